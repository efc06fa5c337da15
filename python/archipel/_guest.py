"""The standard guest that the package contains, and the preparation of images for this machine."""

from __future__ import annotations

import os
import sys
import warnings

from . import _archipel
from ._errors import InterpreterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import _types

_FILE = os.path.join(os.path.dirname(__file__), "_inside", "standard.wasm.xz")


def _supply():
    """Return the standard guest in the package as bytes, or None if the package was built without it."""
    if not os.path.exists(_FILE):
        return None
    import lzma

    with lzma.open(_FILE) as file:
        return file.read()


_archipel.supply(_supply)


class Progress:
    """The steps of a preparation: a line on the terminal, which the next step replaces, and warnings."""

    def __init__(self, folder, warns=True):
        self.folder = _archipel.cache_dir() if folder is None else folder
        self.warns = warns
        self.has_cache = True
        self._shown = False

    def __call__(self, step, text):
        if step == "build":
            self._show(text)
        elif step == "compile":
            self._show("compiling the guest for this machine")
        elif step == "damaged":
            self._warn(f"the compiled guest in the cache is rebuilt: {text}")
        elif step == "nocache" and self.has_cache:
            self.has_cache = False
            self._warn(f"{self.problem()}, so each start takes seconds")

    def problem(self):
        """Return a sentence about a cache folder that cannot be used."""
        if self.folder is None:
            return "this system has no cache folder (set ARCHIPEL_CACHE_DIR)"
        return f"cannot use the cache folder {self.folder} (pass another cache_dir, or set ARCHIPEL_CACHE_DIR)"

    def _warn(self, text):
        self.end()
        if self.warns:
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def _show(self, text):
        if sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[Karchipel: {text} ...")
            sys.stderr.flush()
            self._shown = True

    def end(self):
        """Erase the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False


def make_runtime(workers, cache_dir, image, max_interpreters, prewarmed, fuel, warns=True):
    """Create a runtime of the library, and return it and the `Progress` of its preparation."""
    cache_dir = None if cache_dir is None else os.fspath(cache_dir)
    image = None if image is None else os.fspath(image)
    if isinstance(prewarmed, dict):
        others = [(os.fspath(other), count) for other, count in prewarmed.items() if other is not None]
        prewarmed = prewarmed.get(None, 0)
    else:
        others = []
    progress = Progress(cache_dir, warns)
    try:
        made = _archipel.Runtime(workers, cache_dir, image, max_interpreters, prewarmed, others, bool(fuel), progress)
    finally:
        progress.end()
    return made, progress


def prepare(*, image: _types.Path = None, cache_dir: _types.Path = None, fuel: bool = False) -> None:
    """Compile the standard guest or `image` for this machine, and keep the result in the cache folder.

    The first interpreter of a user does the same, which takes seconds.  Call this function while a container is built,
    so that its programs start in milliseconds.  `image`, `cache_dir` and `fuel` are those of `Runtime`.

        >>> import archipel
        >>> archipel.prepare()

    Raises InterpreterError if the cache folder cannot be used, or if the image is missing or invalid.
    """
    _, progress = make_runtime(None, cache_dir, image, 1, 0, fuel, warns=False)
    if not progress.has_cache:
        raise InterpreterError(progress.problem())
