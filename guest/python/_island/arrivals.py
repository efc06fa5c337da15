"""Functions, classes and variables that arrived by value: see `by_value`.

A definition that is here already stays as it is, with all changes made here, until the sender sends a different item
under the same key.  A definition that returns to the interpreter that defined it is that interpreter's own object.
"""

import functools
import linecache
import marshal
import pickle
import sys
import zlib
from types import CellType, CodeType, FunctionType

from . import origins, scripts
from .items import CACHED, ENUM, FUNCTION, is_importable

# Definitions with names, kept although nothing here refers to them; the last one was used last.
_named = {}
_MOST_NAMED = 1024

# The message that is being decoded.
_arriving = None


# The latest items from each `__main__`: token -> digest
_latest = {}
_MOST_LATEST = 256


def load(data):
    """Return the object that `by_value.dump` encoded with items."""
    pickled, items = marshal.loads(data)
    return _with_items(items, lambda: pickle.loads(pickled))


def function(key, name, items):
    """Return the function that `by_value.definition` described."""
    if _latest.get(key[0]) == _digest(items):
        # Nothing has changed since the last call.
        found = _own(name) or origins.definition(key)
        if found is not None:
            return found
    found = _with_items(items, lambda: _arriving.definition(key))
    _latest[key[0]] = _digest(items)
    return found


def _with_items(items, read):
    global _arriving
    items = marshal.loads(items)
    for token, *_ in items:
        _latest.pop(token, None)
    if len(_latest) >= _MOST_LATEST:
        _latest.clear()
    before, _arriving = _arriving, _Arriving(items)
    try:
        _arriving.begin()
        obj = read()
        _arriving.fill()
        return obj
    finally:
        _arriving = before


def _own(name):
    """Return the definition called `name` in this interpreter's `__main__`, or None."""
    if name is None:
        return None
    try:
        return scripts.find(name, None)
    except AttributeError:
        return None


def definition(key):
    """Return the function or class with this key."""
    if _arriving is None:
        found = origins.definition(key)
        if found is None:
            raise ValueError("the message does not contain the definition")
        return found
    return _arriving.definition(key)


def variable(token, name):
    """Return the value of a variable."""
    if _arriving is not None:
        _arriving.bind((token, name))
    return origins.space(token)[name]


def _digest(item):
    if type(item) is bytes:
        return len(item), zlib.crc32(item), hash(item)
    kind, head, state, _ = item
    return kind, _digest(head), None if state is None else _digest(state)


class _Unfinished(Exception):
    """A class was needed while it was being made."""


class _Arriving:
    """The items of one message, and the work that remains to be done on them."""

    def __init__(self, items):
        self._items = items
        self._bound = set()
        self._making = set()
        # Definitions whose state is still to be set: (key, definition)
        self._unfilled = []

    def begin(self):
        """Update the definitions that are here already, and bind the variables.

        Variables that are definitions come first, because other items may call them.
        """
        later = []
        for key, item in self._items.items():
            if len(key) != 2:
                continue
            if type(key[1]) is int:
                if origins.definition(key) is not None:
                    self.definition(key)
            elif len(item) < _SHORT and b"_definition" in item:
                self.bind(key)
            else:
                later.append(key)
        self.fill()
        for key in later:
            self.bind(key)
        self.fill()

    def bind(self, key):
        """Set a variable to its new value, unless it is unchanged or belongs to this interpreter."""
        item = self._items.get(key)
        if item is None or key in self._bound or origins.is_own(key[0]):
            return
        self._bound.add(key)
        token, name = key
        space, digest = origins.space(token), _digest(item)
        if name in space and origins.digests.get(key) in (digest, None):
            # The sender's value is unchanged, so a value that code here has assigned since stays.
            origins.digests[key] = digest
            return
        try:
            space[name] = pickle.loads(item)
        except _Unfinished:
            self._bound.discard(key)
            raise
        self.fill()
        origins.digests[key] = digest

    def definition(self, key):
        if key in self._making:
            raise _Unfinished
        item = self._items.get(key)
        found = origins.definition(key)
        if found is not None and (item is None or origins.is_own(key[0]) or key in self._bound):
            return found
        if item is None:
            raise ValueError("the message does not contain the definition")
        name = item[3]
        # A definition of the same name in `__main__` takes precedence, as for pickles that contain only the name.
        own = _own(name)
        if own is not None:
            return own
        self._bound.add(key)
        digest = _digest(item)
        if found is not None and origins.digests.get(key) == digest:
            return found
        kind, head, state, _ = item
        if kind == FUNCTION:
            found = self._make_function(key, head, state, found)
        elif found is not None:
            # Existing instances must stay instances of the class.
            self._keep(key, found, state)
        elif kind == CACHED:
            wrapped, size, typed = pickle.loads(head)
            found = functools.lru_cache(size, typed)(wrapped)
            self._keep(key, found, state)
        else:
            found = self._make_class(key, kind, head, state)
        origins.digests[key] = digest
        if name is not None:
            _named.pop(key, None)
            _named[key] = found
            if len(_named) > _MOST_NAMED:
                del _named[next(iter(_named))]
        return found

    def _keep(self, key, found, state):
        origins.name(found, key)
        if state is not None or (*key, "annotations") in self._items:
            self._unfilled.append((key, found))

    def _make_function(self, key, head, state, before):
        (home, code, name, cells, submodules, lines), about = marshal.loads(head)
        for module in submodules:
            _import(module)
        space = _import(home).__dict__ if type(home) is str else origins.space(home)
        code = marshal.loads(code)
        if lines is not None:
            _show(code, *lines)
        if before is not None:
            before.__code__ = code
            self._keep(key, before, state)
            return before
        closure = tuple([CellType() if owner is None else self._cell(*owner) for owner in cells])
        function = FunctionType(code, space, name, None, closure or None)
        function.__qualname__, function.__module__, function.__doc__ = about
        self._keep(key, function, state)
        return function

    def _cell(self, key, index):
        return self.definition(key).__closure__[index]

    def _make_class(self, key, kind, head, state):
        from . import cloudpickle

        if kind == ENUM:
            # The members are instances of the class, so they are filled when it exists.
            bases, name, qualname, members, module = pickle.loads(head)
            cls = cloudpickle._make_skeleton_enum(bases, name, qualname, members, module, None, None)
            self._keep(key, cls, state)
            self.fill()
            return cls
        metaclass, name, bases, extra = pickle.loads(head)
        self._making.add(key)
        try:
            # All attributes at once, as in a `class` statement, for code that observes subclasses.
            attributes = extra | pickle.loads(state)
            registry = attributes.pop("_abc_impl", ())
            cls = _new_class(metaclass, name, bases, attributes)
            for other in registry:
                cls.register(other)
            origins.name(cls, key)
            # Only the annotations remain.
            self._unfilled.append((key, None))
        except _Unfinished:
            # An attribute refers to the class itself.
            cls = _new_class(metaclass, name, bases, extra)
            self._keep(key, cls, state)
        finally:
            self._making.discard(key)
        self.fill()
        return cls

    def fill(self):
        """Set the state of the definitions, except where that needs a class that is being made."""
        waiting = []
        while self._unfilled:
            key, obj = self._unfilled.pop()
            try:
                self._fill(key, obj)
            except _Unfinished:
                waiting.append((key, obj))
        self._unfilled = waiting

    def _fill(self, key, obj):
        state = self._items[key][2]
        if obj is None or state is None:
            # Only annotations remain.
            return self._annotate(key, obj or origins.definition(key))
        state = pickle.loads(state)
        if type(obj) is FunctionType:
            defaults, keyword_defaults, attributes, closure = state
            obj.__defaults__, obj.__kwdefaults__ = defaults, keyword_defaults
            obj.__dict__.update(attributes or {})
            for cell, contents in zip(obj.__closure__ or (), closure or ()):
                if contents:
                    cell.cell_contents = contents[0]
        elif isinstance(obj, type):
            from . import cloudpickle

            if self._items[key][0] == ENUM:
                state, members = state
                for name, values in members.items():
                    obj.__members__[name].__dict__.update(values)
            cloudpickle._class_setstate(obj, (state, {}))
        else:
            vars(obj).update(state)
        self._annotate(key, obj)

    def _annotate(self, key, obj):
        item = self._items.get((*key, "annotations"))
        if item is not None and not isinstance(obj, functools._lru_cache_wrapper):
            obj.__annotations__ = pickle.loads(item)


# The maximum size of the pickle of a variable that is only a reference to a definition.
_SHORT = 120


def _new_class(metaclass, name, bases, attributes):
    """Make a class as it was at the sender, without the calls that a `class` statement makes to code that travelled.

    Those calls were made where the class was defined.  Their effects are part of the state that travels.
    """
    maker = next(cls for cls in metaclass.__mro__ if is_importable(cls))
    if maker.__module__ == "typing":
        # The metaclasses of `typing` change the attributes that they are given.
        maker = type
    hooks = []
    for base in bases:
        for cls in base.__mro__:
            if "__init_subclass__" in cls.__dict__ and not is_importable(cls):
                hooks.append((cls, cls.__dict__["__init_subclass__"]))
    try:
        for cls, _ in hooks:
            cls.__init_subclass__ = classmethod(_nothing)
        namespace = maker.__prepare__(name, bases)
        namespace.update(attributes)
        cls = maker.__new__(metaclass, name, bases, namespace)
        maker.__init__(cls, name, bases, namespace)
    finally:
        # A class may be listed twice.
        for base, hook in reversed(hooks):
            base.__init_subclass__ = hook
    if "__abstractmethods__" in attributes:
        # Some methods may not have their `__isabstractmethod__` yet.
        cls.__abstractmethods__ = attributes["__abstractmethods__"]
    return cls


def _nothing(cls, **keywords):
    pass


def _import(name):
    found = sys.modules.get(name)
    if found is None:
        from importlib import import_module

        found = import_module(name)
    return found


def _show(code, name, first, text):
    """Let tracebacks show a function's source, which starts at line number `first`."""
    lines = text.splitlines(keepends=True)
    if name.startswith("<"):
        entry = len(text), None, ["\n"] * (first - 1) + lines, name
        ahead = [code]
        while ahead:
            code = ahead.pop()
            linecache._interactive_cache[linecache._make_key(code)] = entry
            ahead += [constant for constant in code.co_consts if type(constant) is CodeType]
        return
    entry = linecache.cache.get(name)
    if entry is None or len(entry) != 4 or entry[1] is not None:
        entry = linecache.cache[name] = len(text), None, [], name
    known = entry[2]
    known.extend(["\n"] * (first - 1 + len(lines) - len(known)))
    known[first - 1 : first - 1 + len(lines)] = lines
