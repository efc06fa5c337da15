"""What the items of a message depend on, to see whether they could be sent again as they are."""

import sys
import types
from types import FunctionType, ModuleType

# Values that are written into each item, since their identity is of no consequence.
ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))

# Types whose values do not change, or are noted by themselves.
_STEADY = frozenset((FunctionType, types.BuiltinFunctionType, ModuleType))


class Steady:
    """What the items of a message depend on, in a form that shows whether it has changed."""

    def __init__(self):
        self._modules = len(sys.modules)
        # (function, its code, its defaults, what makes its annotations)
        self._functions = []
        # (namespace, name, value)
        self._variables = []

    def add_function(self, function):
        """Note a function; returns whether that is possible."""
        if function.__closure__ or function.__kwdefaults__ or function.__dict__:
            return False
        defaults = function.__defaults__
        if defaults and not all(type(value) in ATOMS for value in defaults):
            return False
        self._functions.append((function, function.__code__, defaults, function.__annotate__))
        return True

    def add_variable(self, space, name, value):
        """Note a variable; returns whether that is possible."""
        kind = type(value)
        if kind not in ATOMS and kind not in _STEADY:
            return False
        self._variables.append((space, name, value))
        return True

    def holds(self):
        """Whether all of it is as it was."""
        if self._modules != len(sys.modules):
            return False
        for function, code, defaults, annotate in self._functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return False
            if function.__kwdefaults__ or function.__dict__ or function.__annotate__ is not annotate:
                return False
        for space, name, value in self._variables:
            if space.get(name) is not value:
                return False
        return True
