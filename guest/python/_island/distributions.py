"""The metadata of an image's packages, for `importlib.metadata`."""

from importlib.metadata import Distribution, Prepared
from pathlib import PurePosixPath

from . import contents

_SUFFIX = ".dist-info"


class Packaged(Distribution):
    """A package in the snapshot."""

    def __init__(self, folder):
        self._folder = folder

    def read_text(self, filename):
        """Return the text of a file of the metadata, or None."""
        try:
            return contents.read(f"{self._folder}/{filename}").decode()
        except FileNotFoundError:
            return None

    def locate_file(self, path):
        """Return the path of a file of the package, from which only the package's loader can read."""
        return PurePosixPath(self._folder).parent / path


def find(context):
    """Return the packages that `context`, a `DistributionFinder.Context`, asks for."""
    name = None if context is None else context.name
    wanted = name and Prepared(name).normalized
    for folder in contents.list_folders(_SUFFIX):
        found = folder.rpartition("/")[2][: -len(_SUFFIX)].partition("-")[0]
        if wanted is None or Prepared(found).normalized == wanted:
            yield Packaged(folder)
