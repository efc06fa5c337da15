"""Types of arguments, for type checkers only."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, Union


class Writer(Protocol):
    """A text file."""

    def write(self, text: str, /) -> object:
        """Write text."""


Policy: TypeAlias = Union[str, "os.PathLike[str]", "Mapping[str, Any]", None]
Limits: TypeAlias = Union["Mapping[str, float | None]", None]
Path: TypeAlias = Union[str, "os.PathLike[str]", None]
Output: TypeAlias = Union[Writer, "Callable[[str], object]", int, None]
