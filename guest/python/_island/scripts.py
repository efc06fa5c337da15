"""The `__main__` of one interpreter in another.

Definitions of a script have `__main__` as their module, which is a different module in other interpreters.  As in
CPython, the receiver then runs the script again in a module called `<fake __main__>`.  The main part of the script must
therefore be guarded by `if __name__ == "__main__":`.
"""

import builtins
import sys
from types import ModuleType

from . import report

FAKE = "<fake __main__>"

# The script in this interpreter's `__main__`: (token, name, source).
_own = None

# token -> module
_modules = {}

# True while a script is being run again.
running = False


def remember(name, source):
    """Record that `__main__` is defined by `source`."""
    global _own
    import os

    if not name.startswith("<"):
        report.show_lines(name, source)
    _own = os.urandom(16), name, source


def compile_script(source, name):
    """Return the code of a script, with its lines available to tracebacks and `inspect`."""
    code = compile(source, name, "exec", dont_inherit=True)
    if name.startswith("<"):
        # Other code can have the same name.
        report.show_lines_of(code, source, name)
    return code


def of(module_name):
    """Return what another interpreter needs to find the definitions of a main module, or None."""
    if module_name == FAKE:
        module = sys.modules.get(FAKE)
        return getattr(module, "__script__", None)
    return _own


def run_again(token):
    """Return the namespace in which the script with this token was run again, or None."""
    module = _modules.get(token)
    return None if module is None else module.__dict__


def main():
    """Return the namespace of `__main__`."""
    return sys.modules["__main__"].__dict__


def find(name, script):
    """Return the object with the dotted name `name` in `__main__`, or else in the script that is run again."""
    try:
        return _walk(sys.modules["__main__"], name)
    except AttributeError:
        if script is None:
            raise
    if _own is not None and _own[0] == script[0]:
        raise AttributeError(f"__main__ has no {name!r}")
    return _walk(_load(script), name)


# The token of the script that was examined last, and whether it has a guard.
_looked_at = None, False


def has_guard():
    """Return whether the script can be run again: its main part is under `if __name__ == "__main__":`."""
    global _looked_at
    if _own is None:
        return False
    if _looked_at[0] != _own[0]:
        _looked_at = _own[0], _finds_guard(_own[2])
    return _looked_at[1]


def _finds_guard(source):
    import ast

    tests = [statement.test for statement in ast.parse(source).body if isinstance(statement, ast.If)]
    return any(
        isinstance(part, ast.Name) and part.id == "__name__" for test in tests for part in ast.walk(test)
    )


def find_again(name, script, why):
    """Return what `find` returns, for an object that could not travel by value because of `why`."""
    try:
        return find(name, script)
    except Exception as error:
        error.add_note(f"it did not travel by value: {why}")
        raise


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
        module.__builtins__ = builtins
        if not name.startswith("<"):
            module.__file__ = name
        if not name.startswith("<"):
            report.show_lines(name, source)
        sys.modules[FAKE] = module
        before, running = running, True
        try:
            exec(compile_script(source, name), module.__dict__)
        except BaseException:
            sys.modules.pop(FAKE, None)
            raise
        finally:
            running = before
        _modules[token] = module
    return module
