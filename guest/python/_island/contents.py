"""The library's modules, sources and data, as bytes in the snapshot.

Sources and data are compressed.  They are read only for tracebacks, `inspect` and `importlib.resources`.
"""

import marshal
import zlib
from importlib._bootstrap_external import decode_source

# module name -> (whether it is a package, file name, marshalled code, compressed source)
_modules = {}

# folder -> its other files, file name -> size and compressed bytes
_data = {}


def add_module(name, is_package, file, code, source):
    """Add the module `name`, which was compiled to `code` from the bytes `source`."""
    _modules[name] = is_package, file, marshal.dumps(code), zlib.compress(source, 9)


def add_data(folder, files):
    """Add the non-module files of a folder: a dict of file names and bytes."""
    _data[folder] = {name: (len(data), zlib.compress(data, 9)) for name, data in files.items()}


def look_up(name):
    """Return whether the module `name` is a package, and its file name; None if it is not in the library."""
    entry = _modules.get(name)
    return None if entry is None else entry[:2]


def _entry(name):
    try:
        return _modules[name]
    except KeyError:
        raise ImportError(f"no module named {name!r} in the library", name=name) from None


def list_entries(folder):
    """Return the sorted names of the entries of `folder`; empty if the library has no such folder."""
    prefix = folder + "/"
    paths = [entry[1] for entry in _modules.values()]
    names = {path[len(prefix) :].split("/")[0] for path in paths if path.startswith(prefix)}
    names.update(_data.get(folder, ()))
    names.update(
        other[len(prefix) :].split("/")[0] for other in _data if other.startswith(prefix)
    )
    return sorted(names)


def list_folders(suffix):
    """Return the sorted paths of the folders with data whose names end with `suffix`."""
    return sorted(folder for folder in _data if folder.endswith(suffix))


def _find(path):
    """Return the size and the compressed bytes of a file, or None if it does not exist.  Sources have no size here."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".py"):
        for _, file, _, source in _modules.values():
            if file == path:
                return None, source
    return _data.get(folder, {}).get(name)


def size(path):
    """Return the size of a file of the library, or None."""
    found = _find(path)
    if found is None:
        return None
    size, data = found
    return len(zlib.decompress(data)) if size is None else size


def read(path):
    """Return the bytes of a file of the library.  Raises FileNotFoundError."""
    found = _find(path)
    if found is None:
        raise FileNotFoundError(2, "No such file or directory", path)
    return zlib.decompress(found[1])


class Loader:
    """The methods of the loaders of the library's modules: PEP 302, `importlib.abc.InspectLoader` and resources."""

    @staticmethod
    def get_code(fullname):
        """Return the code of a module, also for running it as a script."""
        return marshal.loads(_entry(fullname)[2])

    @staticmethod
    def get_source(fullname):
        """Return the source text of a module."""
        return decode_source(zlib.decompress(_entry(fullname)[3]))

    @staticmethod
    def get_filename(fullname):
        """Return the path in the module's `__file__`."""
        return _entry(fullname)[1]

    @staticmethod
    def is_package(fullname):
        """Return whether a module is a package."""
        return _entry(fullname)[0]

    @staticmethod
    def get_data(path):
        """Return the bytes of a file beside the modules.  Raises FileNotFoundError, which is an OSError."""
        return read(path)

    @staticmethod
    def get_resource_reader(fullname):
        """Return the object with which `importlib.resources` reads a package's files; None for a module."""
        is_package, file, _, _ = _entry(fullname)
        if not is_package:
            return None
        from .resources import Reader

        return Reader(file.rpartition("/")[0])


def source_of_frozen(fullname):
    """Return the source text of a frozen module, which the library has under another name; None for other modules."""
    name = _FROZEN.get(fullname, fullname)
    return Loader.get_source(name) if name in _modules else None


# Modules whose names differ from those of their files.
_FROZEN = {
    "_frozen_importlib": "importlib._bootstrap",
    "_frozen_importlib_external": "importlib._bootstrap_external",
    "os.path": "posixpath",
}
