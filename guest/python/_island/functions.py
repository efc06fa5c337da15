"""Functions that depend only on builtins, which can be sent as their code."""

import builtins
import sys
from opcode import opmap
from types import CodeType, FunctionType

_EXTENDED_ARG = opmap["EXTENDED_ARG"]
_LOAD_GLOBAL = opmap["LOAD_GLOBAL"]
_WRITES = frozenset((opmap["STORE_GLOBAL"], opmap["DELETE_GLOBAL"]))
# In the body of a class these can read globals.
_LOADS_NAME = frozenset((opmap["LOAD_NAME"], opmap["LOAD_FROM_DICT_OR_GLOBALS"]))
_ATTRIBUTES = frozenset((opmap["LOAD_ATTR"], opmap["IMPORT_NAME"], opmap["IMPORT_FROM"]))
_RETURN_VALUE = opmap["RETURN_VALUE"]

# Results of `_look_at`: id -> (code, result).  Keeping the code keeps its id from being reused.
_seen = {}
_MOST_SEEN = 512


def _looked_at(code):
    """Return the names of the globals and the attributes that `code` reads, and whether it writes globals."""
    seen = _seen.get(id(code))
    if seen is not None:
        return seen[1]
    found = _look_at(code)
    if len(_seen) >= _MOST_SEEN:
        _seen.clear()
    _seen[id(code)] = code, found
    return found


def _look_at(code):
    names, attributes, writes = set(), set(), False
    extended = 0
    bytecode = code.co_code
    for at in range(0, len(bytecode), 2):
        op = bytecode[at]
        arg = bytecode[at + 1] | extended
        if op == _EXTENDED_ARG:
            extended = arg << 8
            continue
        extended = 0
        if op == _LOAD_GLOBAL:
            names.add(code.co_names[arg >> 1])
        elif op in _LOADS_NAME:
            names.add(code.co_names[arg])
        elif op in _WRITES:
            writes = True
        elif op in _ATTRIBUTES:
            attributes.update(code.co_names)
    for constant in code.co_consts:
        if type(constant) is CodeType:
            below = _looked_at(constant)
            names |= below[0]
            attributes |= below[1]
            writes |= below[2]
    return names, attributes, writes


def names_of(code):
    """Return the names that `code` and its nested code read as globals."""
    return _looked_at(code)[0]


def attributes_of(code):
    """Return a superset of the names of the attributes that `code` reads."""
    return _looked_at(code)[1]


def is_stateless(function):
    """Return whether `function` needs only its code and builtins: no closure, defaults or globals."""
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return False
    code = function.__code__
    if code.co_freevars:
        return False
    names, _, writes = _looked_at(code)
    if writes:
        return False
    own = function.__globals__
    return all(name not in own and hasattr(builtins, name) for name in names)


def script_of(obj):
    """Return the code of a function or code object that can run as a script.

    Raises ValueError if it takes arguments, returns a value or has a closure.
    """
    if isinstance(obj, FunctionType):
        if obj.__closure__:
            raise ValueError("closures not supported")
        code = obj.__code__
    else:
        code = obj
    if code.co_freevars:
        raise ValueError("closures not supported")
    # Flags 4 and 8 are for *args and **kwargs.
    if code.co_argcount or code.co_posonlyargcount or code.co_kwonlyargcount or code.co_flags & 12:
        raise ValueError("functions with args not supported")
    if not _returns_only_none(code):
        raise ValueError("code with a return value is not a script")
    return code


def _returns_only_none(code):
    import dis

    before = None
    for instruction in dis.get_instructions(code):
        if instruction.opcode == _RETURN_VALUE:
            if before is None or before.opname != "LOAD_CONST" or before.argval is not None:
                return False
        before = instruction
    # Generators and coroutines return an object although none of their instructions does.
    return not code.co_flags & 0x2A0


def importable(obj):
    """Return the module and name by which `obj` can be imported elsewhere, or None."""
    try:
        name = obj.__qualname__
        module = obj.__module__
    except AttributeError:
        return None
    if module is None:
        # A method of a builtin type or of an object in a builtin module.
        return None
    if module == "__main__" or type(module) is not str or type(name) is not str or "." in name:
        return None
    found = sys.modules.get(module)
    if found is None or getattr(found, name, None) is not obj:
        return None
    return module, name
