"""`__main__` of one interpreter in another.

What a script defines is found by others under `__main__`, which is another module for them.  As in
CPython, the script is run once more then, in a module of its own called `<fake __main__>`, which is
why its main part must be guarded by `if __name__ == "__main__":`.
"""

import sys
from types import ModuleType

from . import report

FAKE = "<fake __main__>"

# The script that is this interpreter's `__main__`: (token, name, source).
_own = None

# token -> module
_modules = {}

# Whether a script is being run again just now.
running = False


def remember(name, source):
    """Say that `__main__` is what `source` defines."""
    global _own
    import os

    report.remember(name, source)
    _own = os.urandom(16), name, source


def of(module_name):
    """What another interpreter needs to find what a main module defines; None if there is nothing."""
    if module_name == FAKE:
        module = sys.modules.get(FAKE)
        return getattr(module, "__script__", None)
    return _own


def main():
    """The namespace of `__main__`."""
    return sys.modules["__main__"].__dict__


def find(name, script):
    """What `name`, perhaps dotted, is in `__main__`, or else in the script run again."""
    try:
        return _walk(sys.modules["__main__"], name)
    except AttributeError:
        if script is None:
            raise
    if _own is not None and _own[0] == script[0]:
        raise AttributeError(f"__main__ has no {name!r}")
    return _walk(_load(script), name)


def _walk(obj, name):
    for part in name.split("."):
        obj = getattr(obj, part)
    return obj


def _load(script):
    global running
    token, name, source = script
    module = _modules.get(token)
    if module is None:
        module = ModuleType(FAKE)
        module.__script__ = script
        if not name.startswith("<"):
            module.__file__ = name
        report.remember(name, source)
        sys.modules[FAKE] = module
        before, running = running, True
        try:
            exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            sys.modules.pop(FAKE, None)
            raise
        finally:
            running = before
        _modules[token] = module
    return module
