"""Leaving the memory so that an interpreter made from it writes to few pages.

Every page that an interpreter writes to is copied for it first, which costs more than most of what is
written.  Two things make it write less, and in fewer places:

* Objects that are alive in the snapshot are never freed, so nobody needs to count their references.
  Their addresses are left in memory, where the linker finds them and makes the objects immortal.
* Free blocks are scattered over the memory.  Filling them makes new objects lie side by side.
"""

import gc
import sys
from array import array
from types import CodeType

# What precedes the addresses, written backwards, so that it stands in memory only once.
_MARK = b"stcejbo lepihcra fo sesserdda eht era esehT"

# Kept for ever: the objects that fill holes, and the addresses.
_kept = []


def settle():
    """Do all of it.  Nothing should be allocated or freed afterwards."""
    gc.collect()
    _list_objects()
    # The search has left holes of its own.
    gc.collect()
    _fill_holes()
    gc.freeze()


def _list_objects():
    addresses = array("I")
    objects = _find_objects()
    for obj in objects:
        addresses.append(id(obj))
        addresses.append(id(type(obj)))
        if type(obj) is str:
            # It is kept in the string, and would be written there when it is first needed.
            hash(obj)
    _kept.append(b"".join((_MARK[::-1], len(objects).to_bytes(4, "little"), addresses.tobytes())))


def _find_objects():
    """Every object that something refers to.

    Some of them are gone by the time of the snapshot; the linker sees that.
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
            # The collector does not know what code refers to.
            ahead += obj.co_consts, obj.co_names, obj.co_filename, obj.co_name, obj.co_qualname
            ahead += obj.co_linetable, obj.co_exceptiontable, obj.co_varnames
        else:
            ahead += gc.get_referents(obj)
    # Those of the rest are referred to by what holds them, by `found` and by the loop.
    return [obj for obj in found.values() if sys.getrefcount(obj) > 2]


def _fill_holes():
    """Allocate blocks of every size until they come from memory that was never used."""
    empty = sys.getsizeof(b"")
    # Small blocks come from pools of a page for each size; a pool that is filled in order was new.
    for size in range(24, 513, 8):
        _fill(size - empty, 4096 // size)
    # No bytes object is as small as a float.
    _kept.append(tuple([n + 0.5 for n in range(2000)]))
    for size in (1 << 16, 1 << 15, 1 << 14, 1 << 13, 1 << 12, 1 << 11, 1 << 10, 520):
        _fill(size - empty, 2)


def _fill(length, enough):
    blocks = []
    highest = run = 0
    while run < enough and len(blocks) < 20_000:
        block = bytes(length)
        run = run + 1 if id(block) > highest else 0
        highest = max(highest, id(block))
        blocks.append(block)
    _kept.append(tuple(blocks))
