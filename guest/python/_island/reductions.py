"""Reductions for objects that the pickle module rejects or would pickle wrongly."""

import functools
import io
import marshal
import pickle
import sys
import types
from types import CodeType, ModuleType

from . import arrays

# Types that cloudpickle knows how to reduce.
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

# The constructors of picklable copies of the contents of these.
_WEAK = {"WeakKeyDictionary": dict, "WeakValueDictionary": dict, "WeakSet": list}


def reduce(obj, kind, inner):
    """Return the reduction of `obj`, of type `kind`, or NotImplemented to leave it to the pickle module.

    `inner` says that `obj` is part of a definition, where modules and streams can be pickled.
    """
    if kind is memoryview:
        return memoryview, (obj.tobytes(),)
    if kind is CodeType:
        return _code, (marshal.dumps(obj),)
    if arrays.is_array(kind):
        return arrays.reduce(obj)
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
    """Import cloudpickle on first use and return it."""
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
    # The sentinels of the module are compared by identity.
    for name, value in vars(sys.modules["dataclasses"]).items():
        if value is obj:
            return getattr, (sys.modules["dataclasses"], name)
    return NotImplemented


def _reduce_typing(obj):
    # By default these are pickled by name, which the receiver could not find.
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
        raise pickle.PicklingError(f"{reduced!r} of __main__ is a {kind.__qualname__!r}: cannot be pickled by name")
    return reduced
