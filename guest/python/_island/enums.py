"""The enumerations of the bindings.

The bindings look up each member by its number with a call, and cannot report that it failed.  `enum` uses the builtins,
which the script can change.
"""

import enum


class _Fixed(enum.EnumType):
    def __call__(cls, number):
        return cls._value2member_map_[number]


def install():
    """Let the lookups of the bindings work whatever the builtins are."""
    for kind in enum.Enum.__subclasses__():
        if kind.__module__.partition(".")[0] in ("componentize_py_types", "wit_world"):
            kind.__class__ = _Fixed
