"""A base for `ctypes` that only declares types.

Packages import `ctypes` and declare C types without using them.  That works here, and simple values keep what they are
given.  An interpreter has no native code to load or call, so whatever needs it, or the layout of memory, is refused.
"""

import struct
from types import GenericAlias

__version__ = "1.1.0"
RTLD_LOCAL = RTLD_GLOBAL = 0
FUNCFLAG_HRESULT, FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO, FUNCFLAG_USE_LASTERROR = 2, 1, 4, 8, 16
SIZEOF_TIME_T = 8
_REFUSED = "ctypes is not supported: an interpreter has no native code to load or call"

# Type codes whose sizes `struct` has under another code or not at all.
_SIZES = {"z": "P", "Z": "P", "O": "P", "u": "i", "g": "16s", "X": "P", "v": "h"}

_memmove_addr = _memset_addr = _string_at_addr = _cast_addr = _memoryview_at_addr = _wstring_at_addr = 0


class ArgumentError(Exception):
    """The error of an argument that cannot be converted."""


class CField:
    """The description of a field."""


def _refuse(*args, **kwargs):
    """Raise NotImplementedError: there is no native memory."""
    raise NotImplementedError(_REFUSED)


class _Type(type):
    def __mul__(cls, length):
        if not isinstance(length, int) or length < 0:
            raise ValueError("Array length must be >= 0, not " + repr(length))
        return _Type(f"{cls.__name__}_Array_{length}", (Array,), {"_type_": cls, "_length_": length})

    __rmul__ = __mul__

    def from_param(cls, value):
        return value if isinstance(value, cls) else cls(value)

    from_address = from_buffer = from_buffer_copy = in_dll = _refuse


class _CData(metaclass=_Type):
    pass


class _SimpleCData(_CData):
    def __init__(self, value=None):
        if value is None and getattr(type(self), "_type_", "P") not in "PzZO":
            value = b"\0" if self._type_ == "c" else 0
        self.value = value

    def __repr__(self):
        return f"{type(self).__name__}({self.value!r})"

    def __bool__(self):
        return bool(self.value)


class _Fields(_CData):
    def __init__(self, *args, **kwargs):
        names = [field[0] for field in getattr(self, "_fields_", ())]
        if len(args) > len(names):
            raise TypeError("too many initializers")
        for name, value in (*zip(names, args), *kwargs.items()):
            setattr(self, name, value)


class Structure(_Fields):
    """A declared structure, whose fields are attributes."""


class Union(_Fields):
    """A declared union, whose fields are attributes."""


class Array(_CData):
    """A declared array, of which no instance can exist."""

    __init__ = _refuse
    __class_getitem__ = classmethod(GenericAlias)


class _Pointer(_CData):
    __init__ = _refuse

    def __init_subclass__(cls):
        target = cls.__dict__.get("_type_")
        if isinstance(target, _Type):
            target.__pointer_type__ = cls

    @classmethod
    def set_type(cls, target):
        cls._type_ = target


class CFuncPtr(_CData):
    """A declared function, which cannot be called."""

    def __init__(self, *args):
        pass

    __call__ = _refuse


def sizeof(obj):
    """Return the size of a simple type; others have no layout."""
    code = getattr(obj, "_type_", None)
    if not isinstance(code, str):
        _refuse()
    return struct.calcsize(_SIZES.get(code, code))


alignment = sizeof


def dlopen(name, mode=0):
    """Raise OSError, except for the program itself."""
    if name is not None:
        raise OSError(_REFUSED)
    return 0


def get_errno():
    """Return 0: no native call has failed."""
    return 0


def set_errno(value):
    """Return 0, the number before."""
    return 0


byref = addressof = resize = buffer_info = _refuse
