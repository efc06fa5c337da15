"""Modules that were imported before the snapshot, and are hidden until a script imports them.

Importing such a module takes microseconds instead of milliseconds: it and the modules that it refers to are in the
memory that the interpreter starts with.
"""

import _imp
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from .contents import Loader

_NAMES = (
    "abc argparse array ast asyncio atexit base64 bisect calendar cmath codecs collections.abc "
    "colorsys concurrent.futures configparser contextlib contextvars copy csv dataclasses datetime "
    "decimal difflib dis email.message email.utils enum errno fnmatch fractions functools gc "
    "getopt glob graphlib gzip hashlib heapq hmac html html.parser http http.client importlib "
    "importlib.metadata importlib.resources importlib.util inspect io ipaddress itertools json "
    "keyword linecache locale logging marshal math mimetypes numbers opcode operator os.path "
    "pathlib pickle pkgutil platform pprint queue random re reprlib runpy secrets select selectors "
    "shlex shutil signal socket stat statistics string struct subprocess sysconfig tempfile "
    "textwrap threading time timeit token tokenize tomllib traceback types typing unicodedata "
    "unittest unittest.mock urllib.error urllib.parse urllib.request uuid warnings weakref "
    "xml.etree.ElementTree zipfile zlib zoneinfo"
).split()

# name -> (module, names of the others that come with it)
_stash = {}

# Functions that renew the state of a module after the snapshot.
_renew = {
    "random": lambda module: module.seed(),
    "logging": lambda module: setattr(module, "_startTime", sys.modules["time"].time_ns()),
    # The generator behind the functions of `numpy.random`.
    "numpy.random.mtrand": lambda module: module._rand.seed(),
}


def _begin(name, module):
    """Renew the state that a module drew or read when it was imported."""
    function = _renew.get(name)
    if function is not None:
        function(module)


def renew():
    """Renew the state of the hidden modules, for a set-up script's objects that refer to them."""
    for name, function in _renew.items():
        entry = _stash.get(name)
        if entry is not None:
            function(entry[0])


class Stashed(Loader):
    """The loader of modules that are in memory already."""

    @staticmethod
    def create_module(spec):
        return _stash[spec.name][0]

    @staticmethod
    def exec_module(module):
        name = module.__name__
        _, others = _stash.pop(name)
        _begin(name, module)
        for other in others:
            entry = _stash.pop(other, None)
            if entry is not None:
                sys.modules[other] = entry[0]
                _begin(other, entry[0])


def find_spec(name):
    """Return the spec of a stashed module, or None."""
    entry = _stash.get(name)
    # A None in `sys.modules` blocks an import, so the script wants to see its effect on other modules.
    if entry is None or None in sys.modules.values():
        return None
    module = entry[0]
    spec = ModuleSpec(name, Stashed, origin=getattr(module, "__file__", None))
    # This attribute makes it a package, which can be run if it has a `__main__`.
    spec.submodule_search_locations = getattr(module, "__path__", None)
    return spec


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
    for name, module in hidden.items():
        del sys.modules[name]
        _stash[name] = module, _closure(name, referred)


def _find_references(module, names, hidden):
    """Return the hidden modules that a module refers to, directly or through its attributes."""
    found = set()
    for value in vars(module).values():
        if isinstance(value, ModuleType):
            name = names.get(id(value))
        else:
            name = getattr(value, "__module__", None)
        if isinstance(name, str) and name in hidden:
            found.add(name)
    parent = module.__name__.rpartition(".")[0]
    if parent in hidden:
        found.add(parent)
    return found


def _closure(name, referred):
    found = {}
    ahead = [name]
    while ahead:
        for other in referred[ahead.pop()]:
            if other != name and other not in found:
                found[other] = None
                ahead.append(other)
    return tuple(found)
