"""Arrays of numpy as data: their dtype, shape and bytes, without a pickle.

The host checks the header against the size of the bytes: see `host/core/encoding.rs`.
"""

from ast import literal_eval
from struct import Struct

from .errors import NotShareableError

_HEAD = Struct("<BBH")

# Kinds of dtypes whose elements are plain bytes.
_PLAIN = frozenset("biufcmMSUV")


def is_array(kind):
    """Return whether `kind` is `numpy.ndarray`; subclasses are not data."""
    if kind.__name__ != "ndarray" or kind.__module__ != "numpy":
        return False
    # A set-up script's objects can refer to numpy before it is in `sys.modules`.
    try:
        import numpy
    except ImportError:
        return False
    return kind is getattr(numpy, "ndarray", None)


def dump(array):
    """Return the payload for `array`.  Raises NotShareableError if its elements are not plain data."""
    from numpy import ndarray

    dtype = array.dtype
    text = _describe(dtype).encode()
    shape = array.shape
    fortran = array.flags.fnc
    head = _HEAD.pack(fortran, len(shape), len(text)) + Struct(f"<{len(shape)}I").pack(*shape) + text
    payload = bytearray(len(head) + array.size * dtype.itemsize)
    payload[: len(head)] = head
    ndarray(shape, dtype, payload, len(head), order="F" if fortran else "C")[...] = array
    return payload


def load(payload):
    """Return a new array for the payload.  Raises ModuleNotFoundError without numpy."""
    try:
        from numpy import dtype, ndarray
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "the message contains an array, and this interpreter has no numpy to receive it", name="numpy"
        ) from None
    fortran, dimensions, length = _HEAD.unpack_from(payload)
    sizes = Struct(f"<{dimensions}I")
    shape = sizes.unpack_from(payload, _HEAD.size)
    start = _HEAD.size + sizes.size
    text = payload[start : start + length].decode()
    if text.startswith("["):
        from numpy.lib.format import descr_to_dtype

        kind = descr_to_dtype(literal_eval(text))
    else:
        kind = dtype(text)
    found = ndarray(shape, kind, payload, start + length, order="F" if fortran else "C")
    # The payload is immutable, and does not align its elements.
    return found.copy("K")


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
