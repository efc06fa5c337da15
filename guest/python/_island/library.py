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


# The folder that tracebacks and `__file__` name.
_SHOWN = "/python"


def collect(root, below="", prefix=""):
    """Add the modules in the folder `below` of the library's `root`, compiled, and the other files of packages."""
    data = {}
    for entry in sorted(os.listdir(root + below)):
        if entry in _LEFT_OUT or entry.startswith("config-"):
            continue
        path = f"{below}/{entry}"
        if entry.endswith(".py"):
            _add(prefix + entry[:-3], root, path, False)
        elif os.path.isfile(f"{root}{path}/__init__.py"):
            _add(prefix + entry, root, f"{path}/__init__.py", True)
            collect(root, path, f"{prefix}{entry}.")
        elif below and os.path.isfile(root + path):
            data[entry] = _read(root + path)
    if data:
        contents.add_data(_SHOWN + below, data)


# The build of the library cut this value within a quoted argument, on which `shlex` fails.
_REPAIR = b"""
if build_time_vars["CONFIG_ARGS"].count("'") % 2:
    build_time_vars["CONFIG_ARGS"] += "'"
"""


def _add(name, root, path, is_package):
    source = _read(root + path)
    if name.startswith("_sysconfigdata"):
        source += _REPAIR
    path = _SHOWN + path
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError:
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
    # Extension modules cannot be loaded, so their files are ignored and Python fallbacks are used.
    machinery.EXTENSION_SUFFIXES.clear()
    finder = machinery.FileFinder.path_hook(
        (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    sys.path_hooks[:] = [zipimport.zipimporter, finder]
    sys.path_importer_cache.clear()
