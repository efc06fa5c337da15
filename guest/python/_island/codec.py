"""Conversion of objects to messages and back.

The body of a message is the output of `marshal`, the fastest encoding available.  Objects that marshal cannot express
travel as escapes: tuples `(Ellipsis, code, payload)`.  These cannot be confused with shareable values, because
Ellipsis is not shareable.  The host checks every byte before the receiver decodes it.
"""

from marshal import dumps, loads

from wit_world.imports import channels

from . import arrays
from .errors import NotShareableError
from .intrinsics import refuse_large, room

_VERSION = 4
_BUFFER = channels.Form.BUFFER
_ESCAPED = channels.Form.ESCAPED
_TRUSTED = channels.Form.TRUSTED
_UNBOUND = channels.Form.UNBOUND

# Marshal writes instances of exactly these types as they are, whatever their value.
_ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes))

_CONTAINERS = frozenset((tuple, list, dict, set, frozenset))

# The maximum nesting of containers that the host accepts.
_MOST_DEEP = 100

_BYTEARRAY = 1
_MEMORYVIEW = 2
_ARRAY = 7

# Types that travel with ends: type -> (code, function from an object to its ends), and
# code -> function from the received ends and an index to an object.
reducers = {}
rebuilders = {}

# Returns the object in the body of a trusted message with ends.  `pickles`, which uses this module, sets it.
load_trusted = None

# Types that are not data, but can be bound as names between interpreters that trust each other.
as_pickles = set()


class Lost:
    """The object that is received in place of one whose sender was destroyed."""

    __slots__ = ("op",)

    def __init__(self, op):
        self.op = op


def register(code, type, reduce, rebuild):
    """Make instances of `type` shareable, as the ends `reduce(obj)` under escape `code`."""
    reducers[type] = code, reduce
    rebuilders[code] = rebuild


def encode(obj):
    """Return the message for `obj`: its body, whether that is exact, and its attachments.

    Raises NotShareableError if `obj` contains something that is not data.
    """
    if type(obj) in _ATOMS:
        return dumps(obj, _VERSION), True, None
    if arrays.is_array(type(obj)):
        return b"".join(arrays.body_parts(obj)), True, refs(_ESCAPED, [])
    try:
        return dumps(obj, _VERSION), False, None
    except ValueError:
        # Not marshallable as it is, or nested too deeply: check every object.
        return encode_exactly(obj)


def encode_exactly(obj):
    """Return the message for `obj` after checking every object in it, because marshal writes any buffer as bytes."""
    ends = []
    replaced = escape(obj, ends)
    attachments = None if replaced is obj else refs(_ESCAPED, ends)
    try:
        return dumps(replaced, _VERSION), True, attachments
    except ValueError as error:
        raise NotShareableError(f"the object is not shareable: {error}") from None


def escape(obj, ends):
    """Return `obj` with escapes for what marshal cannot express, and append the ends that they refer to.

    Raises NotShareableError.
    """
    return _replace(obj, ends, {}, set(), 0)


def restore(obj, ends):
    """Return the object that `escape` was called with."""
    return _restore(obj, ends, {})


def check_size(body):
    """Return `body`; raises ValueError if it is too large to be sent, and MemoryError if there is no room for it."""
    size = len(body)
    if size > _LARGE:
        refuse_large(size)
        # The bindings copy it, and cannot report that there is no room.
        room(size + _BESIDES)
    return body


# Bodies up to this size fit into the memory that is always kept free.
_LARGE = 32 << 10

# The memory that the bindings allocate in addition to the body.
_BESIDES = 64 << 10


def fitting(message):
    """Return `message`; raises what `check_size` raises for its body."""
    check_size(message[0])
    return message


def refs(form, ends, unbound=None):
    """Return attachments for the host."""
    return channels.AttachmentRefs(form, ends, unbound)


def to_result(message):
    """Return `message` as the result of an export, in which the host takes over the ends."""
    body, _, attachments = fitting(message)
    if attachments is None:
        return body, None
    return body, channels.Attachments(attachments.form, [_own(end) for end in attachments.ends])


def _own(end):
    match end:
        case channels.EndRef_Sender(value=sender):
            return channels.End_Sender(sender.duplicate())
        case channels.EndRef_Receiver(value=receiver):
            return channels.End_Receiver(receiver.duplicate())
    return channels.End_Interpreter(end.value)


def end(ends, index, kind):
    """Return the received end at `index`, which must be of the class `kind`.

    The message of a faulty or hostile sender may not contain it.
    """
    if index >= len(ends) or type(ends[index]) is not kind:
        raise ValueError("the message refers to an end that it does not contain")
    return ends[index].value


def is_shareable(obj):
    """Return whether `obj` could be sent as data now."""
    try:
        encode_exactly(obj)
    except (NotShareableError, RecursionError, ValueError):
        return False
    return True


def is_plain(obj, depth=0):
    """Return whether marshal writes `obj`, and every object in it, exactly as it is."""
    kind = type(obj)
    if kind in _ATOMS:
        return True
    if depth >= _MOST_DEEP:
        return False
    if kind is tuple or kind is list:
        for item in obj:
            if type(item) not in _ATOMS and not is_plain(item, depth + 1):
                return False
        return True
    if kind is dict:
        for key, value in obj.items():
            if type(key) not in _ATOMS and not is_plain(key, depth + 1):
                return False
            if type(value) not in _ATOMS and not is_plain(value, depth + 1):
                return False
        return True
    return False


def decode(message):
    """Return the object in a received message, or a `Lost`."""
    body, attachments = message
    if attachments is None:
        return loads(body)
    form = attachments.form
    if form is _BUFFER:
        return memoryview(body)
    if form is _TRUSTED:
        return load_trusted(body, attachments.ends)
    if form is _UNBOUND:
        return Lost(body[0])
    if body.startswith(arrays.BODY):
        return arrays.load_body(body)
    return restore(loads(body), attachments.ends)


def buffer(obj):
    """Return the message for the bytes of a buffer, which arrives as a memoryview."""
    return bytes(memoryview(obj)), True, refs(_BUFFER, [])


def _replace(obj, ends, done, above, depth):
    kind = type(obj)
    if kind in _ATOMS:
        return obj
    if depth >= _MOST_DEEP and kind in _CONTAINERS:
        raise NotShareableError(f"an object nested deeper than {_MOST_DEEP} levels is not shareable")
    depth += 1
    key = id(obj)
    if key in done:
        return done[key]
    if key in above:
        raise NotShareableError("a container that contains itself is not shareable")
    above.add(key)
    if kind is tuple or kind is frozenset or kind is list or kind is set:
        items = [_replace(item, ends, done, above, depth) for item in obj]
        same = all(map(_is, items, obj))
        result = obj if same else kind(items)
    elif kind is dict:
        items = [
            (_replace(k, ends, done, above, depth), _replace(v, ends, done, above, depth))
            for k, v in obj.items()
        ]
        same = all(k is k0 and v is v0 for (k, v), (k0, v0) in zip(items, obj.items()))
        result = obj if same else dict(items)
    elif kind is bytearray:
        result = (..., _BYTEARRAY, bytes(obj))
    elif kind is memoryview:
        result = (..., _MEMORYVIEW, obj.tobytes())
    elif arrays.is_array(kind):
        result = (..., _ARRAY, arrays.dump(obj))
    elif kind in reducers:
        code, reduce = reducers[kind]
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
        elif code == _ARRAY:
            result = arrays.load(payload)
        else:
            result = rebuilders[code](ends, payload)
    elif kind is dict:
        result = {_restore(k, ends, done): _restore(v, ends, done) for k, v in obj.items()}
    else:
        result = kind([_restore(item, ends, done) for item in obj])
    # The original is kept too, so that its id is not reused.
    done[key] = obj, result
    return result
