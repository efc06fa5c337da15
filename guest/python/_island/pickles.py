"""Pickles of objects that are more than data, for interpreters that trust each other.

The body of such a message is marshalled: `(pickle,)`, or the body of a call (see `calls`).  The host delivers it only
to interpreters that trust the sender, and does not inspect it.
"""

import io
import marshal
import pickle
import sys
from types import CodeType, FunctionType

from wit_world.imports import channels

from . import arrays, arrivals, arriving, by_value, codec, functions, scripts
from .errors import NotShareableError

_MAIN = ("__main__", scripts.FAKE)


def dump(obj, ends):
    """Return the pickle of `obj`, and append its channel ends to `ends`.  Raises NotShareableError.

    Definitions that another interpreter cannot import travel by value, or are found by running the script again there.
    """
    count = len(ends)
    try:
        return by_value.dump(obj, ends)
    except NotShareableError as error:
        if not scripts.has_guard():
            raise
        del ends[count:]
        try:
            return _dump_by_script(obj, ends, str(error))
        except Exception:
            del ends[count:]
            if isinstance(error, by_value.Dynamic):
                return by_value.dump(obj, ends, dynamic=True)
            raise error from error.__cause__


def _dump_by_script(obj, ends, why):
    file = io.BytesIO()
    _Pickler(file, ends, why).dump(obj)
    return file.getvalue()


def message(body, ends):
    """Return a message with a trusted body."""
    return codec.check_size(body), True, codec.refs(channels.Form.TRUSTED, ends)


def encode(obj):
    """Return the message for any object that can be pickled."""
    ends = []
    return message(marshal.dumps((dump(obj, ends),)), ends)


def load(body, ends):
    """Return the object in the body of a trusted message."""
    return undump(marshal.loads(body)[0], ends)


codec.load_trusted = load


def undump(data, ends):
    """Return the object in a pickle."""
    # A pickle starts with its protocol; the output of `by_value.dump` with items does not.
    read = pickle.loads if data[:1] == pickle.PROTO else arrivals.load
    return arriving.with_ends(ends, lambda: read(data))


def _function(code, name, qualname, doc):
    function = FunctionType(marshal.loads(code), scripts.main(), name)
    function.__qualname__ = qualname
    function.__doc__ = doc
    return function


def _code(data):
    return marshal.loads(data)


class _Pickler(pickle.Pickler):
    """A pickler that refers to definitions of `__main__` by the script and their names."""

    def __init__(self, file, ends, why):
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._ends = ends
        self._why = why

    def reducer_override(self, obj):
        kind = type(obj)
        if kind in codec.reducers:
            code, reduce = codec.reducers[kind]
            index = len(self._ends)
            self._ends.extend(reduce(obj))
            return arriving.end, (code, index)
        if kind is FunctionType:
            return self._reduce_function(obj)
        if isinstance(obj, type):
            if obj.__module__ in _MAIN:
                return self._reduce_main(obj)
        elif kind is memoryview:
            return memoryview, (obj.tobytes(),)
        elif kind is CodeType:
            return _code, (marshal.dumps(obj),)
        elif arrays.is_array(kind):
            return arrays.reduce(obj)
        return NotImplemented

    def _reduce_function(self, function):
        if function.__module__ in _MAIN:
            if "<locals>" in function.__qualname__ or "<lambda>" in function.__qualname__:
                if functions.is_stateless(function):
                    return _by_value(function)
            return self._reduce_main(function)
        if functions.importable(function) is None and functions.is_stateless(function):
            return _by_value(function)
        return NotImplemented

    def _reduce_main(self, obj):
        # The receiver finds the object by name in the script.
        name = obj.__qualname__
        script = scripts.of(obj.__module__)
        if script is None or not _defines(obj.__module__, name, obj):
            raise NotShareableError(f"{name!r} cannot be found in the script of __main__")
        return scripts.find_again, (name, script, self._why)


def _defines(module, name, obj):
    at = sys.modules.get(module)
    for part in name.split("."):
        at = getattr(at, part, None)
    if at is not obj:
        return False
    code = getattr(obj, "__code__", None)
    # Objects that were put into `__main__` later are not in its script.
    script = scripts.of(module)
    return code is None or script is None or code.co_filename == script[1]


def _by_value(function):
    data = marshal.dumps(function.__code__)
    return _function, (data, function.__name__, function.__qualname__, function.__doc__)
