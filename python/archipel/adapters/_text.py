"""Cells as text for language models."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._cells import Cell

DESCRIPTION = (
    "Run Python code in an isolated interpreter, and return its output and the value of the last expression. "
    "Variables persist between calls."
)


def outcome(cell: Cell) -> str:
    """Return the output, the value and the error of a cell as text."""
    parts = [cell.stdout, cell.stderr]
    if cell.repr is not None:
        parts.append(cell.repr)
    if cell.error is not None:
        parts.append(cell.error.traceback or f"{cell.error.type}: {cell.error.message}")
    return "\n".join(part.rstrip("\n") for part in parts if part)
