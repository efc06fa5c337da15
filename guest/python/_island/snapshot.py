"""Arrange the memory so that an interpreter made from the snapshot writes to few pages.

Every page that an interpreter writes to is copied first, which costs more than most of the writes.  Two measures reduce
the number of such pages:

* Objects that are alive in the snapshot are never freed, so their reference counts are not needed.  Their addresses
  are left in memory, where the linker finds them and makes the objects immortal.
* Free blocks are scattered over the memory.  Filling them makes new objects lie side by side.
"""

import gc
import sys
from array import array
from types import CodeType, FunctionType

# The marker before the addresses, written backwards so that it occurs in memory only once.
_MARK = b"stcejbo lepihcra fo sesserdda eht era esehT"

# Kept forever: the objects that fill holes, and the addresses.
_kept = []

# After this many runs, code has been specialised.
_REHEARSALS = 20

# The largest block of CPython's allocator, and the size in which it requests memory from libc.
_LARGEST = 512
_ARENA = 1 << 18


def settle(rehearse, renew):
    """Arrange the memory.  Nothing should be allocated or freed afterwards.

    `rehearse` does what most interpreters do.  `renew` recreates what all of them write to.
    """
    for _ in range(3):
        rehearse()
    gc.collect()
    _fill_holes()
    _move_code(rehearse)
    for _ in range(_REHEARSALS):
        rehearse()
    gc.collect()
    _list_objects()
    # Finding the objects has left new holes.
    gc.collect()
    gc.freeze()
    # Keep these alive: freed blocks would be reused first, wherever they lie.
    _kept.extend((sys.modules["__main__"], sys.argv, sys.stdout, sys.stderr))
    _fill_holes()
    renew()
    for _ in range(_REHEARSALS):
        rehearse()


def _move_code(rehearse):
    """Move the code objects that `rehearse` writes to side by side; the writes are their execution counters."""
    before = {
        function: function.__code__._co_code_adaptive
        for function in gc.get_objects()
        if type(function) is FunctionType
    }
    rehearse()
    for function, code in before.items():
        if function.__code__._co_code_adaptive != code:
            function.__code__ = function.__code__.replace()


def _list_objects():
    addresses = array("I")
    objects = _find_objects()
    for obj in objects:
        addresses.append(id(obj))
        addresses.append(id(type(obj)))
        if type(obj) is str:
            # The hash is cached in the string, which would otherwise be written to on first use.
            hash(obj)
    _kept.append(b"".join((_MARK[::-1], len(objects).to_bytes(4, "little"), addresses.tobytes())))


def _find_objects():
    """Return every object that something refers to.

    Some of them no longer exist when the snapshot is taken; the linker detects that.
    """
    found = {}
    ahead = list(sys.modules.values())
    ahead += gc.get_objects()
    while ahead:
        obj = ahead.pop()
        key = id(obj)
        if key in found or obj is found or obj is ahead:
            continue
        found[key] = obj
        if type(obj) is CodeType:
            # The garbage collector does not visit these references.
            ahead += obj.co_consts, obj.co_names, obj.co_filename, obj.co_name, obj.co_qualname
            ahead += obj.co_linetable, obj.co_exceptiontable, obj.co_varnames
        else:
            ahead += gc.get_referents(obj)
    # `found` and the loop variable each hold one reference; an object without a third has no other owner.
    return [obj for obj in found.values() if sys.getrefcount(obj) > 2]


def _fill_holes():
    """Allocate blocks of every size until they come from memory that was never used.

    These are the blocks of CPython's own allocator.  The linker takes those of libc.
    """
    blocks = [None] * 100_000
    # First all free pools, until an arena has been used from its start to its end.
    count, end = _fill(blocks, 0, _bytes_of(_LARGEST), _ARENA // _LARGEST, 0)
    # Then the blocks of each size, and the free lists that CPython keeps for some types, until new ones come from the
    # next arena.
    for make in _MAKERS:
        count, _ = _fill(blocks, count, make, 8, end)
    _kept.append(blocks)


def _fill(blocks, count, make, enough, beyond):
    """Keep the results of `make` until `enough` in a row lie side by side, at addresses above `beyond`.

    Returns the number of `blocks` and the address of the last one.
    """
    run = last = 0
    while run < enough and count < len(blocks):
        blocks[count] = block = make()
        count += 1
        address = id(block)
        run = run + 1 if beyond < address and 0 < address - last <= 3 * _LARGEST else 0
        last = address
    return count, last


def _bytes_of(size):
    length = size - sys.getsizeof(b"")
    return lambda: bytes(length)


def _tuple_of(length):
    nothing = [None] * length
    return lambda: tuple(nothing)


class _Thing:
    def method(self):
        pass


_MAKERS = [
    *[_bytes_of(size) for size in range(_LARGEST, 23, -8)],
    *[_tuple_of(length) for length in range(1, 21)],
    dict,
    lambda: {"key": None},
    list,
    lambda: iter(()),
    lambda: iter([]),
    lambda: range(1),
    lambda: slice(1),
    lambda: _Thing.method.__get__(_Thing),
    lambda: int("1000000"),
    lambda: float("0.5"),
]
