"""The library's modules, sources and data, as bytes in the snapshot.

Sources and data are compressed.  Nothing reads them until a traceback, `inspect` or `importlib.resources` wants them.
"""

import marshal
import zlib
from importlib._bootstrap_external import decode_source

# module name -> (whether it is a package, file name, marshalled code, compressed source)
_modules = {}

# folder -> the marshalled dict of its other files, file name -> compressed bytes
_data = {}


def add_module(name, is_package, file, code, source):
    """Add the module `name`, which has been compiled to `code` from the bytes `source`."""
    _modules[name] = is_package, file, marshal.dumps(code), zlib.compress(source, 9)


def add_data(folder, files):
    """Add the files of a folder that are not modules: a dict of file names and bytes."""
    _data[folder] = marshal.dumps({name: zlib.compress(data, 9) for name, data in files.items()})


def look_up(name):
    """Whether the module `name` is a package, and its file name; None if the library does not have it."""
    entry = _modules.get(name)
    return None if entry is None else entry[:2]


def _entry(name):
    try:
        return _modules[name]
    except KeyError:
        raise ImportError(f"no module named {name!r} in the library", name=name) from None


def listed(folder):
    """The names of what is in `folder`, in order; empty for what is not a folder of the library."""
    prefix = folder + "/"
    paths = [entry[1] for entry in _modules.values()]
    names = {path[len(prefix) :].split("/")[0] for path in paths if path.startswith(prefix)}
    names.update(_files(folder))
    names.update(
        other[len(prefix) :].split("/")[0] for other in _data if other.startswith(prefix)
    )
    return sorted(names)


def _files(folder):
    packed = _data.get(folder)
    return {} if packed is None else marshal.loads(packed)


def read(path):
    """The bytes of a file of the library; raises FileNotFoundError."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".py"):
        for _, file, _, source in _modules.values():
            if file == path:
                return zlib.decompress(source)
    found = _files(folder).get(name)
    if found is None:
        raise FileNotFoundError(2, "No such file or directory", path)
    return zlib.decompress(found)


class Loader:
    """What loaders of the library's modules answer: PEP 302, `importlib.abc.InspectLoader` and resources."""

    @staticmethod
    def get_code(fullname):
        """The code of a module, also of one that is to be run as a script."""
        return marshal.loads(_entry(fullname)[2])

    @staticmethod
    def get_source(fullname):
        """The source text of a module."""
        return decode_source(zlib.decompress(_entry(fullname)[3]))

    @staticmethod
    def get_filename(fullname):
        """The path that `__file__` has."""
        return _entry(fullname)[1]

    @staticmethod
    def is_package(fullname):
        """Whether a module is a package."""
        return _entry(fullname)[0]

    @staticmethod
    def get_data(path):
        """The bytes of a file beside the modules; raises FileNotFoundError, which is an OSError."""
        return read(path)

    @staticmethod
    def get_resource_reader(fullname):
        """What `importlib.resources` reads the files of a package with; None for a module."""
        is_package, file, _, _ = _entry(fullname)
        if not is_package:
            return None
        from .resources import Reader

        return Reader(file.rpartition("/")[0])


def source_of_frozen(fullname):
    """The source text of a frozen module, which the library has under its own name; None for others."""
    name = _FROZEN.get(fullname, fullname)
    return Loader.get_source(name) if name in _modules else None


# These are imported under a name that their files do not have.
_FROZEN = {
    "_frozen_importlib": "importlib._bootstrap",
    "_frozen_importlib_external": "importlib._bootstrap_external",
    "os.path": "posixpath",
}
