"""How objects are pickled that the pickle module cannot take, or takes for something else."""

import functools
import io
import marshal
import pickle
import sys
import types
from types import CodeType, ModuleType

# These need what cloudpickle knows of them.
_SPECIAL = frozenset(
    (
        classmethod,
        staticmethod,
        property,
        types.GetSetDescriptorType,
        types.MappingProxyType,
        type({}.keys()),
        type({}.values()),
        type({}.items()),
        types.CellType,
    )
)

# What is in these, as something that can be pickled.
_WEAK = {"WeakKeyDictionary": dict, "WeakValueDictionary": dict, "WeakSet": list}


def reduce(obj, kind, inner):
    """How `obj`, of type `kind`, is pickled; NotImplemented for the way of the pickle module.

    Modules and streams are pickled within definitions, which is what `inner` says.
    """
    if kind is memoryview:
        return memoryview, (obj.tobytes(),)
    if kind is CodeType:
        return _code, (marshal.dumps(obj),)
    if kind is ModuleType:
        return _reduce_module(obj) if inner else NotImplemented
    if kind is io.TextIOWrapper:
        return _reduce_stream(obj) if inner else NotImplemented
    if kind is functools.partialmethod:
        return functools.partial(kind, obj.func, *obj.args, **obj.keywords), ()
    if kind in _SPECIAL:
        return cloudpickle_module().Pickler._dispatch_table[kind](obj)
    match kind.__module__:
        case "dataclasses":
            return _reduce_dataclasses(obj)
        case "typing":
            return _reduce_typing(obj)
        case "__main__":
            return _reduce_instance(obj)
        case "weakref" | "_weakrefset" if kind.__name__ in _WEAK:
            return kind, (_WEAK[kind.__name__](obj),)
    return NotImplemented


def _code(data):
    return marshal.loads(data)


def cloudpickle_module():
    """The module, which is imported when something needs it."""
    from . import cloudpickle

    return cloudpickle


def _reduce_module(module):
    name = module.__name__
    if sys.modules.get(name) is not module or name == "__main__" or getattr(module, "__spec__", None) is None:
        raise pickle.PicklingError(f"module {name!r} cannot be imported elsewhere")
    return _module, (name,)


def _module(name):
    from importlib import import_module

    return import_module(name)


def _reduce_stream(stream):
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is stream:
            return getattr, (sys, name)
    return NotImplemented


def _reduce_dataclasses(obj):
    # Its sentinels are compared by identity.
    for name, value in vars(sys.modules["dataclasses"]).items():
        if value is obj:
            return getattr, (sys.modules["dataclasses"], name)
    return NotImplemented


def _reduce_typing(obj):
    # Their own description is the name under which they are found.
    kind = type(obj)
    match kind.__name__:
        case "TypeVar":
            return cloudpickle_module()._typevar_reduce(obj)
        case "ParamSpec" | "TypeVarTuple":
            return kind, (obj.__name__,)
        case "NewType":
            return kind, (obj.__name__, obj.__supertype__)
        case "TypeAliasType":
            return kind, (obj.__name__, obj.__value__)
    return NotImplemented


def _reduce_instance(obj):
    kind = type(obj)
    if kind.__reduce__ is object.__reduce__ or isinstance(obj, BaseException):
        return NotImplemented
    reduced = obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    if isinstance(reduced, str):
        raise pickle.PicklingError(f"{reduced!r} is to be found in __main__, and is a {kind.__qualname__!r}")
    return reduced
