"""What every interpreter has from the snapshot: importing this makes the memory ready for it."""

import os
import sys
from types import ModuleType

from . import library

library.collect("/python")
library.collect(os.path.dirname(os.path.dirname(__file__)))
library.install()

# What a new interpreter of CPython's has imported, and what this package cannot do without.
_SEEN = set(sys.modules)

# Importing these now makes them part of every island, at no cost to any.
import archipel  # noqa: E402, F401
import concurrent.interpreters  # noqa: E402
import interpreters  # noqa: E402, F401
import runpy  # noqa: E402, F401
import textwrap  # noqa: E402, F401

from componentize_py_types import Ok  # noqa: E402

from . import interrupts, intrinsics, process, threads  # noqa: E402

process.install()
intrinsics.install()
interrupts.install()
# Whatever is imported from now on makes its locks of the ones that work here.
threads.install()

from . import loop, modules, polls, pool, prompt, queues, run  # noqa: E402, F401
from . import snapshot, sockets, stash, thread_pool  # noqa: E402

queues.install(concurrent.interpreters)
thread_pool.install()
polls.install()
pool.install()
sockets.install()
loop.install()
run.fresh_main()


def settle(application):
    """Leave the memory as an interpreter would find it that has run a little.

    `application` is the module that is being imported, which must still be there when it has been.
    """
    guest, own = run.Guest(), sys.modules[application]
    guest.exec("pass")
    guest.exec("import sys; sys.stdout")
    sys.argv = [""]
    sys.path[:] = []
    sys.path_importer_cache.clear()
    run.restart()
    sys.modules[application] = own
    sys.implementation.supports_isolated_interpreters = True
    library.adopt()
    stash.lay_in(_SEEN)
    sys.modules["random"] = _Random("random")


class _Random(ModuleType):
    """What the bindings take for the module.

    They ask it for `seed` when all else of the snapshot is there, so that the memory can be left in order
    then; and they call that in every interpreter.  The module itself is seeded when a script imports it.
    """

    @property
    def seed(self):
        del sys.modules["random"]
        snapshot.settle(_rehearse, _renew)
        return _drawn_later


def _drawn_later():
    """Nothing is to be drawn at random until somebody wants it."""


def _renew():
    """Make anew what every interpreter writes to."""
    process.install()
    sys.argv = [""]
    run.fresh_main()


def _rehearse():
    """What most interpreters do."""
    _drawn_later()
    Ok(run.Guest().exec("pass"))
    run.restart()
