"""The standard library without a file system.

While the snapshot is made, the library lies in a folder.  Its modules are compiled there, and the
code is carried in the snapshot as bytes, from which this finder imports them later.
"""

import marshal
import os
import sys
import zipimport
from importlib import machinery
from importlib.machinery import ModuleSpec

from . import stash

# What cannot work here, for want of a screen, of C parts or of a network to install from.
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

# The modules that snapshots are made with.
APPLICATIONS = "app", "command_app"
_LEFT_OUT.update(f"{name}.py" for name in APPLICATIONS)

# name -> (whether it is a package, file name, marshalled code)
_code = {}


class Library:
    """A meta path finder and loader for the modules in the snapshot."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        spec = stash.find_spec(fullname)
        if spec is not None:
            return spec
        try:
            is_package, file, _ = _code[fullname]
        except KeyError:
            return None
        spec = ModuleSpec(fullname, cls, origin=file, is_package=is_package)
        # It makes `__file__`, which modules and their users expect; the file itself is no more.
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(file)]
        return spec

    @staticmethod
    def create_module(spec):
        return None

    @classmethod
    def exec_module(cls, module):
        exec(cls.get_code(module.__spec__.name), module.__dict__)

    @staticmethod
    def get_code(fullname):
        try:
            return marshal.loads(_code[fullname][2])
        except KeyError:
            raise ImportError(f"no module named {fullname!r} in the library", name=fullname)

    @staticmethod
    def get_source(fullname):
        return None

    @staticmethod
    def is_package(fullname):
        return _code[fullname][0]


# The folder that tracebacks and `__file__` name.
_SHOWN = "/python"


def collect(root, below="", prefix=""):
    """Compile the modules in the folder `below` the library's `root`."""
    for entry in sorted(os.listdir(root + below)):
        if entry in _LEFT_OUT or entry.startswith("config-"):
            continue
        path = f"{below}/{entry}"
        if entry.endswith(".py"):
            _add(prefix + entry[:-3], root, path, False)
        elif os.path.isfile(f"{root}{path}/__init__.py"):
            _add(prefix + entry, root, f"{path}/__init__.py", True)
            collect(root, path, f"{prefix}{entry}.")


# Whoever made the library cut this off within a quoted argument, which `shlex` then stumbles over.
_REPAIR = b"""
if build_time_vars["CONFIG_ARGS"].count("'") % 2:
    build_time_vars["CONFIG_ARGS"] += "'"
"""


def _add(name, root, path, is_package):
    with open(root + path, "rb") as file:
        source = file.read()
    if name.startswith("_sysconfigdata"):
        source += _REPAIR
    path = _SHOWN + path
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError:
        # A template or a deliberately wrong example: it could not be imported either.
        return
    _code[name] = is_package, path, marshal.dumps(code)


def install():
    """Import from the snapshot from now on, and from `sys.path` what is not in it."""
    sys.meta_path[:] = [
        machinery.BuiltinImporter,
        machinery.FrozenImporter,
        Library,
        machinery.PathFinder,
    ]
    # Nothing can load extension modules, so a file of that kind is none, and what has a fallback in
    # Python uses that.
    machinery.EXTENSION_SUFFIXES.clear()
    finder = machinery.FileFinder.path_hook(
        (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    sys.path_hooks[:] = [zipimport.zipimporter, finder]
    sys.path_importer_cache.clear()
