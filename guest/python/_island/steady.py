"""The dependencies of the items of a message, to detect whether the items can be sent again as they are."""

import sys
import types
from types import FunctionType, ModuleType

# Types of values that are written into each item, because their identity does not matter.
ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))

# Types whose values do not change, or are recorded separately.
_STEADY = frozenset((FunctionType, types.BuiltinFunctionType, ModuleType))


class Steady:
    """The dependencies of the items of a message, in a form that shows whether they have changed."""

    def __init__(self):
        self._modules = len(sys.modules)
        # (function, its code, its defaults, its annotate function)
        self._functions = []
        # (namespace, name, value)
        self._variables = []

    def add_function(self, function):
        """Record a function; return whether that is possible."""
        if function.__closure__ or function.__kwdefaults__ or function.__dict__:
            return False
        defaults = function.__defaults__
        if defaults and not all(type(value) in ATOMS for value in defaults):
            return False
        self._functions.append((function, function.__code__, defaults, function.__annotate__))
        return True

    def add_variable(self, space, name, value):
        """Record a variable; return whether that is possible."""
        kind = type(value)
        if kind not in ATOMS and kind not in _STEADY:
            return False
        self._variables.append((space, name, value))
        return True

    def holds(self):
        """Return whether nothing has changed."""
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
