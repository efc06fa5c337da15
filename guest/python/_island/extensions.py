"""Extension modules: they are linked into the guest, where `dlopen` finds them by the paths that they had.

Each interpreter has its own copy of their variables, so modules that keep their state in C globals, and those with
single-phase initialisation, work in every interpreter.
"""

import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec

from .library import PACKAGES, SITE

_SUFFIX = ".cpython-314-wasm32-wasi.so"

# module name -> (the path that `dlopen` knows, the path in `__file__`)
_paths = {}


class Extensions:
    """A meta path finder for the extension modules of packages."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        found = _paths.get(fullname)
        if found is None:
            return None
        linked, shown = found
        spec = ModuleSpec(fullname, _Loader(fullname, linked), origin=shown)
        spec.has_location = True
        return spec


class _Loader(ExtensionFileLoader):
    def create_module(self, spec):
        shown, spec.origin = spec.origin, self.path
        try:
            module = super().create_module(spec)
        finally:
            spec.origin = shown
        # With single-phase initialisation, C code has set it to the path that `dlopen` knows.
        module.__file__ = shown
        return module

    def get_filename(self, fullname=None):
        return _paths[self.name][1]


def _collect(root, shown, prefix):
    for entry in sorted(os.listdir(root)):
        path = f"{root}/{entry}"
        if entry.endswith(_SUFFIX):
            _paths[prefix + entry.removesuffix(_SUFFIX)] = path, f"{shown}/{entry}"
        elif entry.isidentifier() and os.path.isdir(path):
            _collect(path, f"{shown}/{entry}", f"{prefix}{entry}.")


def install():
    """Import extension modules from now on, if there are any.  Builtin and frozen ones come first."""
    if os.path.isdir(PACKAGES):
        _collect(PACKAGES, SITE, "")
    if _paths:
        sys.meta_path.insert(2, Extensions)
