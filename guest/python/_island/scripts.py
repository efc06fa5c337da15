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

    if not name.startswith("<"):
        report.show_lines(name, source)
    _own = os.urandom(16), name, source


def compiled(source, name):
    """The code of a script, whose lines tracebacks and `inspect` find."""
    code = compile(source, name, "exec", dont_inherit=True)
    if name.startswith("<"):
        # Other code has such names too.
        report.show_lines_of(code, source, name)
    return code


def of(module_name):
    """What another interpreter needs to find what a main module defines; None if there is nothing."""
    if module_name == FAKE:
        module = sys.modules.get(FAKE)
        return getattr(module, "__script__", None)
    return _own


def run_again(token):
    """The namespace in which the script with this token was run again; None if it was not."""
    module = _modules.get(token)
    return None if module is None else module.__dict__


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


# The token of the script that was looked at last, and whether it has a guard.
_looked_at = None, False


def has_guard():
    """Whether the script can be run again: its main part is under `if __name__ == "__main__":`."""
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
    """As `find`, for what could not travel by value for the reason `why`."""
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
        if not name.startswith("<"):
            module.__file__ = name
        if not name.startswith("<"):
            report.show_lines(name, source)
        sys.modules[FAKE] = module
        before, running = running, True
        try:
            exec(compiled(source, name), module.__dict__)
        except BaseException:
            sys.modules.pop(FAKE, None)
            raise
        finally:
            running = before
        _modules[token] = module
    return module
