"""Memory that is kept for telling of errors when there is no other left.

An interpreter whose memory is full must still be able to say so.  A block is set aside in the snapshot, where it costs
nothing as long as nobody writes to it; it is freed when a job ends without room for what ends it, and taken
again when the next one begins.
"""

from builtins import MemoryError, TypeError

from .intrinsics import room

_SIZE = 1 << 20

# What the end of a job takes: a traceback, the host's record of it, and the way out of the bindings.
_ENOUGH = 256 << 10

_block = bytearray(_SIZE)


def lend():
    """Free the block if there is little room besides; returns whether it is free."""
    if _block:
        try:
            room(_ENOUGH)
        except MemoryError:
            _block.clear()
        except TypeError:
            # The snapshot is being made, and the function is not there yet.
            pass
    return not _block


def take_back():
    """Set the block aside again, if there is room for it."""
    if not _block:
        try:
            _block.resize(_SIZE)
        except MemoryError:
            pass
