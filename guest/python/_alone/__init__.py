"""What stands in for the host of Archipel where there is none.

A guest that is a command of WASI runs under any host, which knows nothing of channels or children.
There `wit_world` is the package of types that describes the host's interfaces, and the modules here
put functions into it that work within this one interpreter.  What none of them has says why it
cannot be.
"""

import os
from importlib import import_module
from types import FunctionType

WHY = "this host has no broker for interpreters: run the script with `archipel run`"


def refuse(*args, **kwargs):
    """Say why there is no such thing here."""
    from _island.errors import InterpreterError

    raise InterpreterError(WHY)


def install():
    """Put what there is of each interface into the module of its types."""
    import wit_world.imports as interfaces

    folder = os.path.dirname(__file__)
    for file in sorted(os.listdir(os.path.dirname(interfaces.__file__))):
        name = file.removesuffix(".py")
        if name.startswith("__"):
            continue
        types = import_module(f"wit_world.imports.{name}")
        for key, value in vars(types).items():
            if type(value) is FunctionType and value.__module__ == types.__name__:
                setattr(types, key, refuse)
        if os.path.exists(f"{folder}/{file}"):
            for provided in import_module(f"_alone.{name}").PROVIDED:
                setattr(types, provided.__name__, provided)
