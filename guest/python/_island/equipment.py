"""The equipment of this interpreter: its aliases, and its hidden modules and builtins.

An alias is a builtin function or an attribute of a module.  Hidden modules and builtins are removed from their
namespaces.  This restricts well-behaved scripts; what a script can do is decided by the host.
"""

import builtins
import importlib
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter
from types import ModuleType

from . import aliases, library, stash

_builtins = builtins.__dict__

# Aliases: name -> function.
_present = {}

# Modules that exist only to contain aliases.
_made = set()

# Hidden names: name -> the builtin or attribute, or None for a module.
_hidden = {}

# Modules that were already imported when they were hidden.
_aside = {}

_setrecursionlimit = sys.setrecursionlimit


def equip(wanted, hidden, only, recursion):
    """Replace the equipment: have exactly the aliases `wanted`, hide exactly the names in `hidden`, and let scripts
    import only the modules in `only`, unless that is None."""
    for name in [name for name in _present if name not in wanted]:
        _remove(name)
    for name in [name for name in _hidden if name not in hidden]:
        _show(name)
    for name in hidden:
        if name not in _hidden:
            _hide(name)
    for name in wanted:
        if name not in _present:
            _add(name)
    if only is not None:
        _import_only(only)
    if recursion is not None:
        _limit_recursion(recursion)


def _function(name):
    def alias(*args, **kwargs):
        return aliases.call(name, args, kwargs)

    alias.__qualname__ = name
    module, _, alias.__name__ = name.rpartition(".")
    alias.__module__ = module or "builtins"
    alias.__doc__ = f"The alias {name}, which runs outside of this interpreter."
    return alias


def _add(name):
    function = _present[name] = _function(name)
    path, _, last = name.rpartition(".")
    if path:
        setattr(_module(path), last, function)
    else:
        _builtins[name] = function


def _remove(name):
    function = _present.pop(name)
    path, _, last = name.rpartition(".")
    if not path:
        if _builtins.get(name) is function:
            del _builtins[name]
        return
    module = sys.modules.get(path)
    if getattr(module, last, None) is function:
        delattr(module, last)
    while path in _made and not any(other.startswith(path + ".") for other in _present):
        _made.discard(path)
        module = sys.modules.pop(path, None)
        if _builtins.get(path) is module:
            _builtins.pop(path, None)
        path = path.rpartition(".")[0]


def _module(path):
    """Return the module of that name, creating it if necessary."""
    try:
        return importlib.import_module(path)
    except ImportError:
        pass
    module = sys.modules[path] = ModuleType(path, "Aliases, which run outside of this interpreter.")
    module.__path__ = []
    _made.add(path)
    parent, _, last = path.rpartition(".")
    if parent:
        setattr(_module(parent), last, module)
    else:
        # The module is a builtin name, like any alias, and needs no import.
        _builtins.setdefault(path, module)
    return module


class _Hider:
    """The first finder: raises for hidden modules the error of modules that do not exist."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        name = fullname
        while name:
            if name in _hidden:
                raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
            name = name.rpartition(".")[0]
        return None


def _hide(name):
    if name in _builtins and not isinstance(_builtins[name], ModuleType):
        _hidden[name] = _builtins.pop(name)
        return
    path, _, last = name.rpartition(".")
    if path:
        try:
            module = importlib.import_module(path)
        except ImportError:
            module = None
        if module is not None and last in vars(module):
            found = vars(module)[last]
            if not isinstance(found, ModuleType):
                _hidden[name] = found
                delattr(module, last)
                return
    _hidden[name] = None
    if _Hider not in sys.meta_path:
        sys.meta_path.insert(0, _Hider)
    for other in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
        _aside[other] = sys.modules.pop(other)
    if path and path in sys.modules and hasattr(sys.modules[path], last):
        delattr(sys.modules[path], last)


def _show(name):
    found = _hidden.pop(name)
    path, _, last = name.rpartition(".")
    if found is None:
        for other in [m for m in _aside if m == name or m.startswith(name + ".")]:
            sys.modules[other] = _aside.pop(other)
        if path in sys.modules and name in sys.modules:
            setattr(sys.modules[path], last, sys.modules[name])
    elif path:
        setattr(importlib.import_module(path), last, found)
    else:
        _builtins.setdefault(name, found)


def find_hidden(name):
    """Return the object hidden under that name, or within a hidden module.  Raises NameError."""
    found = _hidden.get(name)
    if found is not None:
        return found
    path = name
    while path := path.rpartition(".")[0]:
        if path in _hidden and _hidden[path] is None:
            obj = _hidden_module(path)
            for part in name[len(path) + 1 :].split("."):
                obj = getattr(obj, part)
            return obj
    raise NameError(f"{name!r} is not hidden", name=name)


def _hidden_module(name):
    if name not in _aside:
        kept = _hidden.pop(name)
        try:
            importlib.import_module(name)
        finally:
            _hidden[name] = kept
            for other in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
                _aside[other] = sys.modules.pop(other)
    return _aside[name]


_import = builtins.__import__


def _import_only(only):
    """Let scripts import only these modules, and the library everything that it needs for them."""
    own = (library.Library, stash.Stashed, BuiltinImporter, FrozenImporter)

    def visible(name):
        return name in _present or name in _made or any(
            name == one or name.startswith(one + ".") or one.startswith(name + ".") for one in only
        )

    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0 and not visible(name):
            loader = None if globals is None else globals.get("__loader__")
            if loader not in own or globals.get("__name__") == "__main__":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return _import(name, globals, locals, fromlist, level)

    builtins.__import__ = __import__


def _limit_recursion(most):
    _setrecursionlimit(min(most, 1_000_000))

    def setrecursionlimit(limit, /):
        if isinstance(limit, int) and limit > most:
            raise ValueError(f"recursion limit too high: at most {most}")
        _setrecursionlimit(limit)

    setrecursionlimit.__doc__ = _setrecursionlimit.__doc__
    sys.setrecursionlimit = setrecursionlimit
