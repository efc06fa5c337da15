"""Functions, classes and variables that came by value: see `by_value`.

What is here already stays what it is, with all that happened to it here, until the sender sends something else
under the same key.  What goes back to where it was defined is what it is there.
"""

import functools
import linecache
import marshal
import pickle
import sys
import zlib
from types import CellType, CodeType, FunctionType

from . import origins, scripts
from .by_value import CACHED, ENUM, FUNCTION, is_importable

# Definitions that are known by their names, which stay though nothing here has them: the last is the one used last.
_named = {}
_MOST_NAMED = 1024

# The message that is being read.
_arriving = None


# The items that came last from each `__main__`: token -> their digest
_latest = {}
_MOST_LATEST = 256


def load(data):
    """The object in what `by_value.dump` made with items."""
    pickled, items = marshal.loads(data)
    return _with_items(items, lambda: pickle.loads(pickled))


def function(key, name, items):
    """The function that `by_value.definition` described."""
    if _latest.get(key[0]) == _digest(items):
        # Nothing has changed since.
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
    """What this interpreter's `__main__` has under a name; None if it has nothing of the kind."""
    if name is None:
        return None
    try:
        return scripts.find(name, None)
    except AttributeError:
        return None


def definition(key):
    """What the function or class with this key is here."""
    if _arriving is None:
        found = origins.definition(key)
        if found is None:
            raise ValueError("the definition did not come with the message")
        return found
    return _arriving.definition(key)


def variable(token, name):
    """The value of a variable."""
    if _arriving is not None:
        _arriving.bind((token, name))
    return origins.space(token)[name]


def _digest(item):
    if type(item) is bytes:
        return len(item), zlib.crc32(item), hash(item)
    kind, head, state, _ = item
    return kind, _digest(head), None if state is None else _digest(state)


class _Unfinished(Exception):
    """A class that is being made was asked for."""


class _Arriving:
    """The items of one message, and what is left to be done with them."""

    def __init__(self, items):
        self._items = items
        self._bound = set()
        self._making = set()
        # Definitions that have to be given their state: (key, definition)
        self._unfilled = []

    def begin(self):
        """Bind the variables: first those that are functions, which the others may call.

        What is here already may have changed where it was defined.
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
        """Give a variable the value that came, unless it is here already or belongs to this interpreter."""
        item = self._items.get(key)
        if item is None or key in self._bound or origins.is_own(key[0]):
            return
        self._bound.add(key)
        token, name = key
        space, digest = origins.space(token), _digest(item)
        if name in space and origins.digests.get(key) in (digest, None):
            # What code of this interpreter has put there is not overwritten by what was there before.
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
            raise ValueError("the definition did not come with the message")
        name = item[3]
        # What `__main__` has under the same name is taken for it, as by pickles that only have the name.
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
            # Its instances must stay instances of it.
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
            # Its members are its own instances, so it can only be filled when it is there.
            bases, name, qualname, members, module = pickle.loads(head)
            cls = cloudpickle._make_skeleton_enum(bases, name, qualname, members, module, None, None)
            self._keep(key, cls, state)
            self.fill()
            return cls
        metaclass, name, bases, extra = pickle.loads(head)
        self._making.add(key)
        try:
            # As `class` makes it, so that what watches over subclasses sees all of it.
            attributes = extra | pickle.loads(state)
            registry = attributes.pop("_abc_impl", ())
            cls = _new_class(metaclass, name, bases, attributes)
            for other in registry:
                cls.register(other)
            origins.name(cls, key)
            # All that is left are its annotations.
            self._unfilled.append((key, None))
        except _Unfinished:
            # It has something of itself in it.
            cls = _new_class(metaclass, name, bases, extra)
            self._keep(key, cls, state)
        finally:
            self._making.discard(key)
        self.fill()
        return cls

    def fill(self):
        """Give what was made its state, except for what has to wait for a class that is being made."""
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
            # It has nothing but annotations.
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


# The pickle of a variable that is nothing but a definition.
_SHORT = 120


def _new_class(metaclass, name, bases, attributes):
    """A class as it was, without the calls that a `class` statement makes of what came by value.

    Those were made where the class was defined, and what they did to it and to others travels by itself.
    """
    maker = next(cls for cls in metaclass.__mro__ if is_importable(cls))
    if maker.__module__ == "typing":
        # It makes something else of what a `class` statement has.
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
        # A class may be there twice.
        for base, hook in reversed(hooks):
            base.__init_subclass__ = hook
    if "__abstractmethods__" in attributes:
        # Its methods may not know yet what they are.
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
    """Let tracebacks show the lines of a function's source, the first of which is number `first`."""
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
