"""Objects to messages and back.

The body of a message is what `marshal` writes, which is as fast as it can be.  What marshal cannot
express travels as an escape: a tuple `(Ellipsis, code, payload)`, which no shareable value can be
mistaken for, since Ellipsis is none.  The host checks every byte before anybody reads it.
"""

from marshal import dumps, loads

from wit_world.imports import channels

from .errors import NotShareableError

_VERSION = 4
_ESCAPED = channels.Form.ESCAPED
_BUFFER = channels.Form.BUFFER

# Exactly these are written by marshal as what they are, whatever is in them.
_ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes))

_BYTEARRAY = 1
_MEMORYVIEW = 2

# Types that travel with ends: type -> (code, function from an object to its ends), and
# code -> function from the ends that arrived and an index to an object.
_reducers = {}
_rebuilders = {}


def register(code, type, reduce, rebuild):
    """Make instances of `type` shareable, as `reduce(obj)` ends under escape `code`."""
    _reducers[type] = code, reduce
    _rebuilders[code] = rebuild


def encode(obj):
    """The message for `obj`: its body, whether that is exact, and its luggage.

    Raises NotShareableError when `obj` has something in it that is not data.
    """
    if type(obj) in _ATOMS:
        return dumps(obj, _VERSION), True, None
    try:
        return dumps(obj, _VERSION), False, None
    except ValueError:
        # Not marshallable as it is, or nested too deep: look at it closely.
        return encode_exactly(obj)


def encode_exactly(obj):
    """As `encode`, with a look at every object in `obj`: marshal takes any buffer for bytes."""
    ends = []
    replaced = _replace(obj, ends, {}, set())
    luggage = None if replaced is obj else channels.LuggageRefs(_ESCAPED, ends)
    try:
        return dumps(replaced, _VERSION), True, luggage
    except ValueError as error:
        raise NotShareableError(f"the object is not shareable: {error}") from None


def end(ends, index, kind):
    """The end at `index` of those that arrived, which must be of the class `kind`.

    A sender that says otherwise is broken or hostile.
    """
    if index >= len(ends) or type(ends[index]) is not kind:
        raise ValueError("the message names an end that it does not have")
    return ends[index].value


def is_shareable(obj):
    """Whether `obj` could be sent now."""
    try:
        encode_exactly(obj)
    except (NotShareableError, RecursionError, ValueError):
        return False
    return True


def decode(message):
    """The object in a message that arrived."""
    body, luggage = message
    if luggage is None:
        return loads(body)
    if luggage.form is _BUFFER:
        return memoryview(body)
    return _restore(loads(body), luggage.ends, {})


def buffer(obj):
    """The message for the bytes of a buffer, which arrives as a memoryview."""
    return bytes(memoryview(obj)), True, channels.LuggageRefs(_BUFFER, [])


def _replace(obj, ends, done, above):
    kind = type(obj)
    if kind in _ATOMS:
        return obj
    key = id(obj)
    if key in done:
        return done[key]
    if key in above:
        raise NotShareableError("a container that contains itself is not shareable")
    above.add(key)
    if kind is tuple or kind is frozenset or kind is list or kind is set:
        items = [_replace(item, ends, done, above) for item in obj]
        same = all(map(_is, items, obj))
        result = obj if same else kind(items)
    elif kind is dict:
        items = [
            (_replace(k, ends, done, above), _replace(v, ends, done, above))
            for k, v in obj.items()
        ]
        same = all(k is k0 and v is v0 for (k, v), (k0, v0) in zip(items, obj.items()))
        result = obj if same else dict(items)
    elif kind is bytearray:
        result = (..., _BYTEARRAY, bytes(obj))
    elif kind is memoryview:
        result = (..., _MEMORYVIEW, obj.tobytes())
    elif kind in _reducers:
        code, reduce = _reducers[kind]
        result = (..., code, len(ends))
        ends.extend(reduce(obj))
    else:
        raise NotShareableError(f"an object of type {kind.__qualname__!r} is not shareable")
    above.discard(key)
    done[key] = result
    return result


def _is(a, b):
    return a is b


def _restore(obj, ends, done):
    kind = type(obj)
    if kind in _ATOMS:
        return obj
    key = id(obj)
    if key in done:
        return done[key][1]
    if kind is tuple and len(obj) == 3 and obj[0] is ...:
        _, code, payload = obj
        if code == _BYTEARRAY:
            result = bytearray(payload)
        elif code == _MEMORYVIEW:
            result = memoryview(payload)
        else:
            result = _rebuilders[code](ends, payload)
    elif kind is dict:
        result = {_restore(k, ends, done): _restore(v, ends, done) for k, v in obj.items()}
    else:
        result = kind([_restore(item, ends, done) for item in obj])
    # The original is kept too, so that its id stays its own.
    done[key] = obj, result
    return result
