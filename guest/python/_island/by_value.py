"""Pickles of objects whose functions and classes another interpreter cannot import: these travel by value.

A message has the pickle of the object and *items*: one for each definition and variable that the object needs,
directly or through others.  In a pickle a definition is represented by its key, so the receiver keeps definitions that
it has.  cloudpickle takes classes apart.
"""

import functools
import io
import marshal
import pickle
import sys
import types
from types import FunctionType, ModuleType

from . import arrivals, arriving, codec, codes, functions, origins, reductions, report, scripts
from .errors import NotShareableError
from .items import CACHED, CLASS, ENUM, FUNCTION, is_importable
from .steady import ATOMS, Steady


# A function that uses one of these can read variables that its code does not name.
_DYNAMIC = frozenset(("globals", "eval", "exec"))

# Names that every namespace has.
_GIVEN = frozenset(("__name__", "__builtins__", "__spec__", "__loader__", "__package__"))

_Cached = type(functools.lru_cache(len))

# The flag of classes that are not static C types.
_HEAP_TYPE = 1 << 9


class Dynamic(NotShareableError):
    """A function may read variables that its code does not name, and its script can be run again instead."""


def dump(obj, ends, dynamic=False):
    """Return the pickle of `obj`, with items if it needs any; append its channel ends to `ends`.

    Raises NotShareableError with the name of the part that cannot travel, and Dynamic unless `dynamic` allows it.
    """
    sending = _Sending(ends, dynamic)
    data = sending.dump(obj, inner=False)
    if not sending.ahead:
        return data
    sending.finish()
    return marshal.dumps((data, marshal.dumps(sending.items)))


def definition(function, ends):
    """Return what another interpreter needs for a function: its key, its name in `__main__` and the marshalled items.

    Raises NotShareableError.
    """
    key = origins.key_of(function)
    kept = _kept.get(key)
    if kept is not None and kept[0].holds():
        return key, kept[1], kept[2]
    count = len(ends)
    sending = _Sending(ends)
    sending.refer(function)
    sending.finish()
    name, items = sending.items[key][3], marshal.dumps(sending.items)
    if sending.steady is not None and len(ends) == count:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = sending.steady, name, items
    return key, name, items


# The items of functions that were sent; they are valid until one of their dependencies changes.
_kept = {}
_MOST_KEPT = 64


class _Shared:
    """A value that is also the value of a variable, and is encoded as a reference to that."""

    def __init__(self, sending, key):
        self.sending = sending
        self.key = key


class _Pickler(pickle.Pickler):
    def __init__(self, file, sending, inner):
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._sending = sending
        # True for a part of a definition, which can refer to modules and streams.
        self._inner = inner

    def reducer_override(self, obj):
        kind = type(obj)
        if kind in codec.reducers:
            code, reduce = codec.reducers[kind]
            ends = self._sending.ends
            index = len(ends)
            ends.extend(reduce(obj))
            return arriving.end, (code, index)
        if kind is FunctionType or isinstance(obj, type):
            if obj.__module__ == scripts.FAKE and is_importable(obj):
                # Pickle it by name, which is the same where it was defined.
                return scripts.find, (obj.__qualname__, scripts.of(scripts.FAKE))
            if not is_importable(obj):
                return self._sending.refer(obj) if kind is FunctionType else self._reduce_class(obj)
        elif kind is _Shared:
            return self._sending.refer_variable(*obj.key)
        elif kind is _Cached:
            if not is_importable(obj):
                return self._sending.refer(obj)
        elif kind is object:
            return self._reduce_sentinel(obj)
        else:
            return reductions.reduce(obj, kind, self._inner)
        return NotImplemented

    def _reduce_class(self, cls):
        if cls in (type(None), type(...), type(NotImplemented)):
            return NotImplemented
        if not cls.__flags__ & _HEAP_TYPE:
            return reductions.cloudpickle_module()._class_reduce(cls)
        return self._sending.refer(cls)

    def _reduce_sentinel(self, obj):
        for name, value in scripts.main().items():
            if value is obj:
                return self._sending.refer_variable(origins.own(), name)
        return NotImplemented


class _Sending:
    """A message under construction."""

    def __init__(self, ends, dynamic=False):
        self.ends = ends
        self._dynamic = dynamic
        # key -> (kind, constructor data, state, name in `__main__`), or the pickle of a variable
        self.items = {}
        # Definitions and values that are still to be encoded: (key, definition or value)
        self.ahead = []
        self._met = set()
        # Optional: (key, function or class) whose annotations are still to be encoded.
        self._annotated = []
        self._shared = {}
        # The dependencies of the items; None if changes of one of them cannot be detected.
        self.steady = Steady()
        # id of a cell -> the key of the first function that has it, and its index there
        self._cells = {}

    def dump(self, obj, inner=True):
        file = io.BytesIO()
        try:
            _Pickler(file, self, inner).dump(obj)
        except NotShareableError:
            raise
        except Exception as error:
            raise NotShareableError(f"object could not be pickled ({report.brief(error)})") from error
        return file.getvalue()

    def refer(self, definition):
        key = origins.key_of(definition)
        if key not in self._met:
            self._met.add(key)
            self.ahead.append((key, definition))
        return _definition, (key,)

    def refer_variable(self, token, name):
        self._need(token, name, origins.space(token)[name])
        return _variable, (token, name)

    def _need(self, token, name, value):
        key = token, name
        if key not in self._met:
            self._met.add(key)
            self.ahead.append((key, value))
            if self.steady is not None and not self.steady.add_variable(origins.space(token), name, value):
                self.steady = None

    def finish(self):
        self._look_ahead()
        while self._annotated:
            key, owner = self._annotated.pop()
            if key not in self.items:
                continue
            items, met, cells = dict(self.items), set(self._met), dict(self._cells)
            ends = len(self.ends)
            try:
                annotations = owner.__annotations__
                self.items[(*key, "annotations")] = self.dump(annotations)
                self._look_ahead()
            except Exception:
                # Annotations are optional, and may name objects that exist only for type checkers.
                self.items, self._met, self._cells = items, met, cells
                self.ahead.clear()
                del self.ends[ends:]

    def _look_ahead(self):
        while self.ahead:
            key, obj = self.ahead.pop()
            if type(key[1]) is str:
                try:
                    # A sentinel is compared by identity, so its variable defines it.
                    self.items[key] = pickle.dumps(obj) if type(obj) is object else self.dump(obj)
                except NotShareableError as error:
                    raise _cannot(f"variable {key[1]!r} of __main__", error) from error
                continue
            if self.steady is not None and not (type(obj) is FunctionType and self.steady.add_function(obj)):
                self.steady = None
            if type(obj) is FunctionType:
                item = self._function(key, obj)
            elif type(obj) is _Cached:
                item = self._reduce_cached(obj)
            else:
                item = self._class(key, obj)
            self.items[key] = *item, obj.__qualname__ if _is_named(obj) else None

    def _function(self, key, function):
        space = function.__globals__
        module = space.get("__name__")
        names = sorted(functions.names_of(function.__code__))
        if space is scripts.main() and not self._dynamic and not _DYNAMIC.isdisjoint(names) and scripts.has_guard():
            raise Dynamic(f"function {function.__qualname__!r} looks up names at run time")
        found = sys.modules.get(module) if type(module) is str and module != "__main__" else None
        if found is not None and found.__dict__ is space:
            home = module
        else:
            home = origins.token_of(space)
            for name in names:
                if name in space and name not in _GIVEN:
                    self._need(home, name, space[name])
        code, lines = codes.code_of(function.__code__)
        cells, contents = [], []
        for index, cell in enumerate(function.__closure__ or ()):
            owner = self._cells.setdefault(id(cell), (key, index))
            cells.append(None if owner == (key, index) else owner)
            contents.append(_contents(cell) if cells[-1] is None else ())
        head = home, code, function.__name__, cells, codes.submodules(function.__code__, space), lines
        about = function.__qualname__, function.__module__, function.__doc__
        parts = {
            "defaults": function.__defaults__,
            "keyword defaults": function.__kwdefaults__,
            "attributes": function.__dict__ or None,
            "closure": contents or None,
        }
        if function.__annotate__ is not None or function.__dict__.get("__annotations__"):
            self._annotated.append((key, function))
        # Version 2 has no references, which would depend on reference counts: equal objects give equal bytes.
        head = marshal.dumps((head, about), 2)
        if all(value is None for value in parts.values()):
            return FUNCTION, head, None
        state = tuple(self._shared_in(value, space) for value in parts.values())
        try:
            return FUNCTION, head, self.dump(state)
        except NotShareableError as error:
            self._blame_function(function, error)

    def _blame_function(self, function, error):
        name = function.__qualname__
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            self._try(_contents(cell), f"variable {variable!r} of function {name!r}")
        arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
        defaults = function.__defaults__ or ()
        for variable, value in zip(arguments[len(arguments) - len(defaults) :], defaults):
            self._try(value, f"default of {variable!r} of function {name!r}")
        for variable, value in (function.__kwdefaults__ or {}).items():
            self._try(value, f"default of {variable!r} of function {name!r}")
        for variable, value in function.__dict__.items():
            self._try(value, f"attribute {variable!r} of function {name!r}")
        raise _cannot(f"function {name!r}", error) from error

    def _try(self, value, what):
        try:
            self.dump(value)
        except NotShareableError as error:
            raise _cannot(what, error) from error

    def _reduce_cached(self, wrapper):
        parameters = wrapper.cache_parameters()
        head = wrapper.__wrapped__, parameters["maxsize"], parameters["typed"]
        state = {name: value for name, value in vars(wrapper).items() if name != "__wrapped__"}
        state.pop("cache_parameters", None)
        return CACHED, self.dump(head), self.dump(state)

    def _class(self, key, cls):
        cloudpickle = reductions.cloudpickle_module()
        if issubclass(cls, cloudpickle.Enum):
            members = {name: member._value_ for name, member in cls.__members__.items()}
            head = cls.__bases__, cls.__name__, cls.__qualname__, members, cls.__module__
            attributes, _ = cloudpickle._class_getstate(cls)
            for name in (*members, *_MADE_BY_ENUM):
                attributes.pop(name, None)
            state = attributes, {name: dict(member.__dict__) for name, member in cls.__members__.items()}
            for name, values in state[1].items():
                values.pop("_value_", None)
                values.pop("__objclass__", None)
            kind = ENUM
        else:
            attributes, _ = cloudpickle._class_getstate(cls)
            extra = {}
            for name in ("__module__", "__qualname__", "__slots__"):
                if name in cls.__dict__ or name == "__qualname__":
                    extra[name] = getattr(cls, name)
            head = type(cls), cls.__name__, cls.__bases__, extra
            state = attributes
            kind = CLASS
        annotated = False
        for name in ("__annotate_func__", "__annotate__", "__annotations_cache__", "__annotations__"):
            annotated |= attributes.pop(name, None) is not None or name in cls.__dict__
        if annotated:
            self._annotated.append((key, cls))
        for name, value in list(attributes.items()):
            if type(value) in _MADE_BY_TYPE and value.__objclass__ is cls:
                del attributes[name]
            else:
                attributes[name] = self._shared_value(value, scripts.main())
        try:
            return kind, self.dump(head), self.dump(state)
        except NotShareableError as error:
            for name, value in attributes.items():
                self._try(value, f"attribute {name!r} of class {cls.__qualname__!r}")
            raise _cannot(f"class {cls.__qualname__!r}", error) from error

    def _shared_in(self, values, space):
        if values is None:
            return None
        if isinstance(values, dict):
            return {name: self._shared_value(value, space) for name, value in values.items()}
        return tuple([self._shared_value(value, space) for value in values])

    def _shared_value(self, value, space):
        """Return a reference to the variable that has the same value, if there is one, or else the value."""
        kind = type(value)
        if kind is tuple and len(value) == 1 and value[0] is not value:
            # The contents of a cell.
            return (self._shared_value(value[0], space),)
        if kind in ATOMS or kind in (FunctionType, ModuleType, _Cached) or isinstance(value, type):
            return value
        if kind is tuple and not value or not origins.is_space(space):
            return value
        shared = self._shared.get(id(space))
        if shared is None:
            shared = self._shared[id(space)] = {id(v): name for name, v in space.items()}
        name = shared.get(id(value))
        if name is None or name in _GIVEN:
            return value
        return _Shared(self, (origins.token_of(space), name))


# Attributes that a class gets automatically when it is made.
_MADE_BY_TYPE = types.MemberDescriptorType, types.GetSetDescriptorType
_MADE_BY_ENUM = (
    "_generate_next_value_",
    "_member_names_",
    "_member_map_",
    "_member_type_",
    "_value2member_map_",
    "_hashable_values_",
    "_unhashable_values_",
    "_unhashable_values_map_",
)


def _is_named(definition):
    found = sys.modules["__main__"]
    for part in definition.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is definition


def _cannot(what, error):
    # The innermost reason is the most specific one.
    text = str(error)
    if " cannot travel: " in text:
        return NotShareableError(text)
    reason = text.removeprefix("object could not be pickled (").removesuffix(")")
    return NotShareableError(f"{what} cannot travel: {reason}")


def _contents(cell):
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _definition(key):
    return arrivals.definition(key)


def _variable(token, name):
    return arrivals.variable(token, name)
