"""Objects of numpy and pandas as values."""

from ast import literal_eval

from ._errors import NotShareableError

# Kinds of dtypes whose elements are plain bytes.
_PLAIN = frozenset("biufcmMSUV")

# Kinds of the dtypes of columns that are arrays.
_COLUMNS = frozenset("biufcmM")


def dump(value):
    """Return the dtype, the shape, whether it is a scalar, whether the order is Fortran's, and the bytes.

    `value` is an array or a scalar of numpy; the result for another object is None.  Raises NotShareableError if the
    elements are not plain data.
    """
    import numpy

    scalar = isinstance(value, numpy.generic)
    if not scalar and type(value) is not numpy.ndarray:
        return None
    array = numpy.asarray(value)
    dtype = array.dtype
    if dtype.hasobject or dtype.kind not in _PLAIN:
        raise NotShareableError(f"an array of dtype {dtype} is not shareable")
    if dtype.names is None and dtype.subdtype is None:
        text = dtype.str
    else:
        from numpy.lib.format import dtype_to_descr

        text = repr(dtype_to_descr(dtype))
    fortran = array.flags.fnc
    return text, array.shape, scalar, fortran, array.tobytes("F" if fortran else "C")


def load(text, shape, scalar, fortran, data):
    """Return the array or the scalar with these bytes.

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
    array = numpy.ndarray(shape, dtype, data, order="F" if fortran else "C")
    return array[()] if scalar else array


def plain(value):
    """Return the object that represents a frame or a column of pandas, or None for other objects.

    A frame becomes a dict of its columns, whose index is left out.  A column of numbers, truth values or times is an
    array, and any other column is a list.
    """
    if type(value).__name__ == "DataFrame":
        return _columns(value)
    if type(value).__name__ == "Series":
        return _column(value)
    return None


def _columns(frame):
    columns = {}
    for position, name in enumerate(frame.columns):
        if name in columns:
            raise NotShareableError(f"a frame with two columns {name!r} is not shareable (rename one)")
        columns[name] = _column(frame.iloc[:, position])
    return columns


def _column(series):
    dtype = series.dtype
    # Types of pandas itself, such as categories, have no attribute like this.
    if getattr(dtype, "kind", "O") in _COLUMNS and type(dtype).__module__.partition(".")[0] == "numpy":
        return series.to_numpy()
    missing = series.isna()
    return [None if absent else value for value, absent in zip(series.tolist(), missing)]
