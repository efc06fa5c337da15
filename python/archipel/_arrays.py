"""Arrays of numpy as values."""

from ast import literal_eval

from ._errors import NotShareableError

# Kinds of dtypes whose elements are plain bytes.
_PLAIN = frozenset("biufcmMSUV")


def dump(array):
    """Return the dtype, the shape, whether the order is Fortran's, and the bytes of an array.

    Raises NotShareableError if its elements are not plain data.
    """
    dtype = array.dtype
    if dtype.hasobject or dtype.kind not in _PLAIN:
        raise NotShareableError(f"an array of dtype {dtype} is not shareable")
    if dtype.names is None and dtype.subdtype is None:
        text = dtype.str
    else:
        from numpy.lib.format import dtype_to_descr

        text = repr(dtype_to_descr(dtype))
    fortran = array.flags.fnc
    return text, array.shape, fortran, array.tobytes("F" if fortran else "C")


def load(text, shape, fortran, data):
    """Return the array with these bytes.

    Raises NotShareableError if numpy is not installed, or if the elements would be objects.
    """
    try:
        import numpy
    except ImportError:
        raise NotShareableError(
            "the value contains an array of numpy, which the host lacks (pip install numpy)"
        ) from None
    if text.startswith("["):
        from numpy.lib.format import descr_to_dtype

        dtype = descr_to_dtype(literal_eval(text))
    else:
        dtype = numpy.dtype(text)
    if dtype.hasobject:
        # The text is the guest's word.
        raise NotShareableError(f"an array of dtype {dtype} cannot be received")
    return numpy.ndarray(shape, dtype, data, order="F" if fortran else "C")
