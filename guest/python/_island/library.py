"""The standard library without a file system.

While the snapshot is being made, the library is a folder.  Its modules are compiled there, and the code is stored in
the snapshot as bytes, from which this finder imports them later.
"""

import _imp
import builtins
import os
import sys
import zipimport
from importlib import machinery
from importlib.machinery import ModuleSpec

from . import contents, stash

# These cannot work here: they need a screen, C extensions or a network to install from.
_LEFT_OUT = {
    "ensurepip",
    "idlelib",
    "lib-dynload",
    "site-packages",
    "test",
    "tests",
    "tkinter",
    "turtle.py",
    "turtledemo",
    "__pycache__",
}

# The main modules of snapshots.
APPLICATIONS = "app", "command_app"
_LEFT_OUT.update(f"{name}.py" for name in APPLICATIONS)


class Library(contents.Loader):
    """A meta path finder and loader for the modules in the snapshot."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        spec = stash.find_spec(fullname)
        if spec is not None:
            return spec
        found = contents.look_up(fullname)
        if found is None:
            return None
        is_package, file = found
        spec = ModuleSpec(fullname, cls, origin=file, is_package=is_package)
        # This sets `__file__`, which modules and their users expect, although the file no longer exists.
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(file)]
        return spec

    @staticmethod
    def find_distributions(context=None):
        """Return the packages of the image: see `importlib.metadata.DistributionFinder`."""
        from . import distributions

        return distributions.find(context)

    @staticmethod
    def create_module(spec):
        return None

    @classmethod
    def exec_module(cls, module):
        name = module.__spec__.name
        if name.partition(".")[0] in _OWN and name != _FOREIGN:
            module.__builtins__ = _builtins
        exec(cls.get_code(name), module.__dict__)


# The guest's own modules have a copy of the builtins.  So aliases, channels and reports go on working if a script
# patches the builtins, or the policy hides some.
_OWN = {
    "_interpchannels",
    "_interpqueues",
    "_interpreters",
    "_island",
    "_standalone",
    "archipel",
    "componentize_py_types",
    "interpreters",
    "wit_world",
}
_FOREIGN = "_island.cloudpickle"
_builtins = builtins.__dict__.copy()


# The folder of an image's packages while the snapshot is being made.
PACKAGES = "/1"

# The folders that tracebacks and `__file__` name, for the library and for packages.
_SHOWN = "/python"
SITE = f"{_SHOWN}/site-packages"

# Folders of tests.
_TESTS = {"test", "tests"}

# Files of packages that nothing reads at run time.  Extension modules are linked into the guest.
_NOT_DATA = ".a", ".c", ".cpp", ".h", ".hpp", ".pxd", ".pyi", ".pyx", ".so"

# The files of a package's metadata that `importlib.metadata` reads.
_METADATA = "METADATA", "entry_points.txt", "top_level.txt"


def collect(root, below="", prefix="", is_site=False):
    """Add the modules in the folder `below` of the library's `root`, compiled, and the other files of packages.

    With `is_site`, `root` contains the packages of an image.  Modules that the library has are left out, and folders
    without `__init__.py` are packages too.  Of the packages' tests, only what other modules can need is added.
    """
    data = {}
    shown = SITE if is_site else _SHOWN
    is_test = is_site and not _TESTS.isdisjoint(below.split("/"))
    for entry in sorted(os.listdir(root + below)):
        if is_site:
            if entry == "__pycache__" or is_test and entry.startswith(("test_", "conftest", "data")):
                continue
        elif entry in _LEFT_OUT or entry.startswith("config-"):
            continue
        path = f"{below}/{entry}"
        is_file = os.path.isfile(root + path)
        if is_site and not below and contents.look_up(entry.removesuffix(".py")):
            continue
        if entry.endswith(".py") and is_file:
            _add(prefix + entry[:-3], root, path, False, shown)
        elif os.path.isfile(f"{root}{path}/__init__.py"):
            _add(prefix + entry, root, f"{path}/__init__.py", True, shown)
            collect(root, path, f"{prefix}{entry}.", is_site)
        elif is_file:
            if below and not is_test and not (is_site and entry.endswith(_NOT_DATA)):
                data[entry] = _read(root + path)
        elif is_site and entry.endswith(".dist-info"):
            texts = [name for name in _METADATA if os.path.isfile(f"{root}{path}/{name}")]
            contents.add_data(shown + path, {name: _read(f"{root}{path}/{name}") for name in texts})
        elif is_site:
            _add(prefix + entry, root, f"{path}/__init__.py", True, shown, b"")
            collect(root, path, f"{prefix}{entry}.", is_site)
    if data:
        contents.add_data(shown + below, data)


# The build of the library cut this value within a quoted argument, on which `shlex` fails.
_REPAIR = b"""
if build_time_vars["CONFIG_ARGS"].count("'") % 2:
    build_time_vars["CONFIG_ARGS"] += "'"
"""


def _add(name, root, path, is_package, shown, source=None):
    if source is None:
        source = _read(root + path)
    if name.startswith("_sysconfigdata"):
        source += _REPAIR
    path = shown + path
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        # A template or a deliberately invalid example, which could not be imported anyway.
        return
    contents.add_module(name, is_package, path, code, source)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def adopt():
    """Give modules that were imported from files the loader of those that come from the snapshot."""
    import linecache

    for name, module in sys.modules.items():
        spec = getattr(module, "__spec__", None)
        if contents.look_up(name) and type(getattr(spec, "loader", None)) is machinery.SourceFileLoader:
            spec.loader = module.__loader__ = Library
    for name in _imp._frozen_module_names():
        # Frames of the import system are shown without lines by CPython too.
        if contents.look_up(name) and not name.startswith("importlib._bootstrap"):
            linecache.cache[f"<frozen {name}>"] = (lambda name=name: Library.get_source(name),)


def install():
    """Import modules from the snapshot from now on, and other modules from `sys.path`."""
    machinery.FrozenImporter.get_source = staticmethod(contents.source_of_frozen)
    sys.meta_path[:] = [
        machinery.BuiltinImporter,
        machinery.FrozenImporter,
        Library,
        machinery.PathFinder,
    ]
    # Extension modules cannot be loaded from files, so such files are ignored and Python fallbacks are used.
    machinery.EXTENSION_SUFFIXES.clear()
    finder = machinery.FileFinder.path_hook(
        (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    sys.path_hooks[:] = [zipimport.zipimporter, finder]
    sys.path_importer_cache.clear()
