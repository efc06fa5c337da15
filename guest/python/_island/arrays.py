"""Arrays of numpy as data: their dtype, shape and bytes, without a pickle.

The host checks the header against the size of the bytes: see `host/core/encoding.rs`.
"""

from ast import literal_eval
from struct import Struct

from .errors import NotShareableError

_HEAD = Struct("<BBH")

# Kinds of dtypes whose elements are plain bytes.
_PLAIN = frozenset("biufcmMSUV")

# How `marshal` begins the body of a message that is only an array: the escape's tuple, its code, and bytes whose
# length follows.
BODY = b")\x03.i\x07\0\0\0s"

_LENGTH = Struct("<i")

# The offset of the payload in such a body.
_BEFORE = len(BODY) + _LENGTH.size

# The elements begin at a multiple of this in such a body, so an array can use the body as its memory.
_ALIGNED = 16

# `numpy.ndarray`, once an array has been sent.
known = set()


def is_array(kind):
    """Return whether `kind` is `numpy.ndarray`; subclasses are not data."""
    if kind.__name__ != "ndarray" or kind.__module__ != "numpy":
        return False
    # A set-up script's objects can refer to numpy before it is in `sys.modules`.
    try:
        import numpy
    except ImportError:
        return False
    if kind is not getattr(numpy, "ndarray", None):
        return False
    known.add(kind)
    return True


def dump(array):
    """Return the payload for `array`.  Raises NotShareableError if its elements are not plain data."""
    return b"".join(_parts(array))


def body_parts(array):
    """Return the body of a message that is only `array`, in two parts: bytes, and a buffer of the elements.

    Raises NotShareableError.
    """
    head, elements = _parts(array)
    return BODY + _LENGTH.pack(len(head) + len(elements)) + head, elements


def _parts(array):
    dtype = array.dtype
    text = _describe(dtype).encode()
    shape = array.shape
    fortran = array.flags.fnc
    head = _HEAD.pack(fortran, len(shape), len(text)) + Struct(f"<{len(shape)}I").pack(*shape) + text
    head += bytes(-(_BEFORE + len(head)) % _ALIGNED)
    if array.nbytes == 0:
        return head, b""
    if fortran:
        array = array.T
    elif not array.flags.c_contiguous:
        array = array.copy("C")
    # Some dtypes have no buffers.
    return head, array.reshape(-1).view("u1").data


def reduce(array):
    """Return the reduction of `array` for pickles, or NotImplemented if its elements are not plain data."""
    try:
        return load, (dump(array),)
    except NotShareableError:
        return NotImplemented


def load(payload):
    """Return a new array for the payload.  Raises ModuleNotFoundError without numpy."""
    # The payload is immutable, and does not align its elements.
    return _load(payload, 0).copy("K")


def load_body(body):
    """Return an array for the body of a message that is only an array.  It uses the memory of a bytearray.

    Raises ModuleNotFoundError without numpy.
    """
    array = _load(body, _BEFORE)
    return array if type(body) is bytearray else array.copy("K")


def _load(buffer, start):
    try:
        from numpy import dtype, ndarray
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "the message contains an array, and this interpreter has no numpy to receive it", name="numpy"
        ) from None
    fortran, dimensions, length = _HEAD.unpack_from(buffer, start)
    sizes = Struct(f"<{dimensions}I")
    shape = sizes.unpack_from(buffer, start + _HEAD.size)
    at = start + _HEAD.size + sizes.size
    end = at + length
    text = buffer[at:end].decode()
    if text.startswith("["):
        from numpy.lib.format import descr_to_dtype

        kind = descr_to_dtype(literal_eval(text))
    else:
        kind = dtype(text)
    end += (start - _BEFORE - end) % _ALIGNED
    return ndarray(shape, kind, buffer, end, order="F" if fortran else "C")


def _describe(dtype):
    if dtype.hasobject:
        raise NotShareableError(f"an array of dtype {dtype} is not shareable: it refers to Python objects")
    if dtype.kind not in _PLAIN:
        raise NotShareableError(f"an array of dtype {dtype} is not shareable")
    if dtype.names is None and dtype.subdtype is None:
        return dtype.str
    _check_fields(dtype)
    from numpy.lib.format import dtype_to_descr

    return repr(dtype_to_descr(dtype))


def _check_fields(dtype):
    end = 0
    for name in dtype.names:
        field = dtype.fields[name]
        if len(field) > 2 or repr(name) != f"'{name}'" or field[1] < end:
            raise NotShareableError(
                f"an array of dtype {dtype} is not shareable: a field has a title, an unusual name or overlaps another"
            )
        end = field[1] + field[0].itemsize
        inner = field[0].base
        if inner.names is not None:
            _check_fields(inner)
        elif inner.kind not in _PLAIN:
            raise NotShareableError(f"an array of dtype {dtype} is not shareable")
