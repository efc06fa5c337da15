"""Memory that is reserved for reporting errors when there is no other left.

An interpreter whose memory is full must still be able to report that.  A block is set aside in the snapshot, where it
costs nothing until it is written to.  It is freed when a job ends without enough room for its end, and set aside again
when the next job starts.
"""

from .intrinsics import room

_SIZE = 1 << 20

# The memory that the end of a job takes: a traceback, the host's record of it, and the return through the bindings.
_ENOUGH = 256 << 10

# The end of a job needs more than smaller blocks have; larger ones are tried in these steps.
_LEAST = 64 << 10
_STEP = 32 << 10

_block = bytearray(_SIZE)


def lend():
    """Free the block if there is little other room; return whether it is free."""
    if _block:
        try:
            room(_ENOUGH)
        except MemoryError:
            _block.clear()
        except TypeError:
            # `room` does not work yet while the snapshot is being made.
            pass
    return not _block


def take_back():
    """Set the block aside again, or as much of it as there is room for.

    What a report has left in its middle can take the place of the whole block.  What is not set aside, the next script
    can fill, and then its error cannot be reported.
    """
    size = _SIZE
    while not _block and size >= _LEAST:
        try:
            _block.resize(size)
        except MemoryError:
            size -= _STEP
