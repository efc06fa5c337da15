"""The code of functions that travel by value: its bytes, its source lines and the submodules that it needs."""

import linecache
import marshal
import sys
from types import CodeType, ModuleType

from . import functions


def submodules(code, space):
    """Return the imported submodules that the code reaches through their packages, sorted."""
    names = functions.attributes_of(code)
    found = []
    for name in functions.names_of(code):
        module = space.get(name)
        if type(module) is ModuleType and getattr(module, "__path__", None) is not None:
            prefix = module.__name__ + "."
            for other in list(sys.modules):
                if other.startswith(prefix) and names.issuperset(other[len(prefix) :].split(".")):
                    found.append(other)
    return sorted(found)


# id of a code object -> the object, its marshalled form and its source lines
_codes = {}
_MOST_CODES = 512


def code_of(code):
    entry = _codes.get(id(code))
    if entry is None:
        if len(_codes) >= _MOST_CODES:
            _codes.clear()
        # The bytes depend on the reference counts of the constants, and must be the same each time.
        entry = _codes[id(code)] = code, marshal.dumps(code), _lines_of(code)
    return entry[1:]


def _lines_of(code):
    """Return the file name, first line and text of the code's source, or None if that is unknown."""
    entry = linecache.cache.get(code.co_filename)
    lines = entry[2] if entry is not None and len(entry) == 4 else linecache._getlines_from_code(code)
    last = _last_line(code)
    text = "".join(lines[code.co_firstlineno - 1 : last])
    return (code.co_filename, code.co_firstlineno, text) if text else None


def _last_line(code):
    last = max((line for _, _, line in code.co_lines() if line is not None), default=0)
    inner = [_last_line(constant) for constant in code.co_consts if type(constant) is CodeType]
    return max(last, *inner) if inner else last
