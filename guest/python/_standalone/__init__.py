"""Replacements for Archipel's host in a guest that runs without it.

A guest that is a WASI command runs under any host, which has no channels or children.  `wit_world` is then the package
of types that describes the host's interfaces, and the modules here add functions that work within the one interpreter.
All other functions raise an error that says why they are missing.
"""

import os
from importlib import import_module
from types import FunctionType

WHY = "this host has no broker for interpreters: run the script with `archipel run`"


def refuse(*args, **kwargs):
    """Raise InterpreterError: the host does not provide this function."""
    from _island.errors import InterpreterError

    raise InterpreterError(WHY)


def install():
    """Add the functions that exist for each interface to the module of its types."""
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
            for provided in import_module(f"_standalone.{name}").PROVIDED:
                setattr(types, provided.__name__, provided)
