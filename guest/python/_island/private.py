"""Helpers for CPython's private modules."""

from wit_world.imports.channels import Unbound

# CPython's numbers for the treatment of items whose interpreter is destroyed.
UNBOUND = {1: Unbound.REMOVE, 2: Unbound.ERROR, 3: Unbound.REPLACE}
REPLACE = 3


def number(id, what):
    """Return `id` as a number; raises as CPython does for an invalid one."""
    if not hasattr(type(id), "__index__"):
        raise TypeError(f"{what} ID must be an int, got {type(id).__name__}")
    found = id.__index__()
    if found < 0:
        raise ValueError(f"{what} ID must be a non-negative int, got {found}")
    if found >= 1 << 63:
        raise OverflowError(f"max {what} ID is {(1 << 63) - 1}, got {found}")
    return found
