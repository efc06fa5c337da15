"""Modules that were imported before the snapshot, and are hidden until a script imports them.

Importing such a module takes microseconds instead of milliseconds: it and the modules that it refers to are in the
memory that the interpreter starts with.
"""

import _imp
import sys
from importlib.machinery import ModuleSpec
from itertools import repeat
from operator import is_
from types import BuiltinMethodType, MethodType, ModuleType

from .contents import Loader

_NAMES = (
    "abc argparse array ast asyncio atexit base64 bisect calendar cmath codecs collections.abc "
    "colorsys concurrent.futures configparser contextlib contextvars copy csv dataclasses datetime "
    "decimal difflib dis email.message email.utils enum errno fnmatch fractions functools gc "
    "getopt glob graphlib gzip hashlib heapq hmac html html.parser http http.client importlib "
    "importlib.metadata importlib.resources importlib.util inspect io ipaddress itertools json "
    "keyword linecache locale logging marshal math mimetypes numbers opcode operator os.path "
    "pathlib pickle pkgutil platform pprint queue random re reprlib runpy secrets select selectors "
    "shlex shutil signal socket ssl stat statistics string struct subprocess sysconfig tempfile "
    "textwrap threading time timeit token tokenize tomllib traceback types typing unicodedata "
    "unittest unittest.mock urllib.error urllib.parse urllib.request uuid warnings weakref "
    "xml.etree.ElementTree zipfile zlib zoneinfo"
).split()

# name -> the modules that become visible with it, by name, and itself
_stash = {}

# The names of the modules that became visible.
_brought = set()

# Functions that renew the state of a module after the snapshot.
_renew = {
    "random": lambda module: module.seed(),
    "logging": lambda module: setattr(module, "_startTime", sys.modules["time"].time_ns()),
}


def renew():
    """Renew the state of the hidden modules, for a set-up script's objects that refer to them."""
    for name, function in _renew.items():
        if name in _stash and name not in _brought:
            function(_stash[name][name])


def _bring(name):
    """Make the module `name` and those that come with it visible, except those that the script replaced or removed."""
    bundle = _stash[name]
    modules = sys.modules
    if _brought or not modules.keys().isdisjoint(bundle):
        bundle = {other: bundle[other] for other in bundle if other not in modules and other not in _brought}
    for other in _renew:
        if other in bundle:
            _renew[other](bundle[other])
    modules.update(bundle)
    _brought.update(bundle)


def _is_one_blocked():
    """Return whether the script blocks an import, so that it wants to see the effect on other modules."""
    # `in` would read every module, all in pages of their own.
    return any(map(is_, sys.modules.values(), repeat(None)))


class Stashed(Loader):
    """The loader of modules that are in memory already."""

    @staticmethod
    def create_module(spec):
        return _stash[spec.name][spec.name]

    @staticmethod
    def exec_module(module):
        # The import system has added it, and expects it to be there.
        name = module.__spec__.name
        del sys.modules[name]
        _bring(name)


def find_spec(name):
    """Return the spec of a stashed module, or None."""
    if name not in _stash or name in _brought or _is_one_blocked():
        return None
    module = _stash[name][name]
    spec = ModuleSpec(name, Stashed, origin=getattr(module, "__file__", None))
    # This attribute makes it a package, which can be run if it has a `__main__`.
    spec.submodule_search_locations = getattr(module, "__path__", None)
    return spec


# The finders that the snapshot has.
_finders = []

_bootstrap = sys.modules["_frozen_importlib"]
_search = _bootstrap._find_and_load


def _find_and_load(name, import_):
    """Return a module that is not in `sys.modules`, as the function of the import system does.

    A stashed one needs neither a search nor a spec, whose objects are in pages that nothing else writes to.
    """
    if (
        name not in _stash
        or name in _brought
        or sys.meta_path != _finders
        or _is_one_blocked()
        or "." in name
        and name.rpartition(".")[0] not in sys.modules
    ):
        return _search(name, import_)
    _bring(name)
    return _stash[name][name]


def install():
    """Make stashed modules visible when they are imported."""
    _finders[:] = sys.meta_path
    # Tracebacks do not show the import system.
    code = _find_and_load.__code__.replace(co_filename=_search.__code__.co_filename)
    _find_and_load.__code__ = code
    _bootstrap._find_and_load = _find_and_load


def lay_in(seen):
    """Import the modules worth stashing, and hide all but those named in `seen`.

    Builtin and frozen modules stay visible: the import system would create them again.
    """
    for name in _NAMES:
        __import__(name)
    hidden = {
        name: module
        for name, module in sys.modules.items()
        if name not in seen
        and not name.startswith(("_island", "_standalone", "wit_world", "command_", "componentize_py"))
        and isinstance(module, ModuleType)
        and name not in sys.builtin_module_names
        and not _imp.is_frozen(name)
    }
    names = {id(module): name for name, module in hidden.items()}
    referred = {name: _find_references(module, names, hidden) for name, module in hidden.items()}
    bundles = {}
    for name in hidden:
        del sys.modules[name]
        together = frozenset(_closure(name, referred))
        if together not in bundles:
            bundles[together] = {other: hidden[other] for other in sorted(together)}
        _stash[name] = bundles[together]
    _make_room()


def _make_room():
    """Make room in `sys.modules` for the hidden modules, because a larger table would be in new pages."""
    names = [f"room {number}" for number in range(2 * len(_stash))]
    sys.modules.update(dict.fromkeys(names))
    for name in names:
        del sys.modules[name]


def rehearse(import_it):
    """Let `import_it` import a module named `rehearsed`, and forget that."""
    _stash["rehearsed"] = {name: ModuleType(name) for name in ("rehearsed", "rehearsed.too")}
    import_it()
    for name in _stash.pop("rehearsed"):
        del sys.modules[name]
    _brought.clear()


def _find_references(module, names, hidden):
    """Return the hidden modules that a module refers to, directly or through its attributes."""
    found = {_referred(value, names) for value in vars(module).values()}
    found.add(module.__name__.rpartition(".")[0])
    return [name for name in found if name in hidden]


def _referred(value, names):
    """Return the name of the module that `value` is, or belongs to, or None."""
    from random import SystemRandom

    if isinstance(value, ModuleType):
        return names.get(id(value))
    owner = value.__self__ if type(value) in (MethodType, BuiltinMethodType) else value
    name = getattr(value, "__module__", None) or type(owner).__module__
    if name == "random" and isinstance(owner, (type, SystemRandom)):
        # These do not use the generator that is seeded again, so that is not needed.
        return None
    return name if isinstance(name, str) else None


def _closure(name, referred):
    found = {name}
    ahead = [name]
    while ahead:
        for other in referred[ahead.pop()]:
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found
