"""The contents of the snapshot: importing this module prepares the memory for every interpreter."""

import os
import sys
from importlib.util import find_spec
from types import ModuleType

from . import extensions, library

library.collect("/python")
library.collect(os.path.dirname(os.path.dirname(__file__)))
# The bindings have a folder of their own.
library.collect(os.path.dirname(os.path.dirname(find_spec("wit_world").origin)))
if os.path.isdir(library.PACKAGES):
    library.collect(library.PACKAGES, is_site=True)
library.install()
extensions.install()

# The modules that a new CPython interpreter has imported, and those that this package needs.
_SEEN = set(sys.modules)

# Importing these now makes them part of every island at no cost.
import archipel  # noqa: E402, F401
import concurrent.interpreters  # noqa: E402
import interpreters  # noqa: E402, F401
import runpy  # noqa: E402, F401
import textwrap  # noqa: E402, F401

from componentize_py_types import Ok  # noqa: E402

from . import enums, interrupts, intrinsics, process, threads  # noqa: E402

process.install()
intrinsics.install()
enums.install()
interrupts.install()
# Modules that are imported from now on create their locks with the replacements.
threads.install()

from . import descriptors, image, loop, modules, polls, pool, prompt, queues, run  # noqa: E402, F401
from . import settings, snapshot, sockets, standard_input, stash, thread_pool, times, tuning  # noqa: E402

queues.install(concurrent.interpreters)
thread_pool.install()
polls.install()
pool.install()
sockets.install()
descriptors.install()
standard_input.install()
times.install()
loop.install()
run.fresh_main()


def settle(application):
    """Leave the memory in the state of an interpreter that has run a little.

    `application` is the module that is being imported, which must be in `sys.modules` when its import ends.
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
    image.fill()
    stash.lay_in(_SEEN)
    stash.install()
    sys.modules["random"] = _Random("random")


class _Random(ModuleType):
    """A stand-in for the module `random` while the snapshot is being made.

    The bindings take `seed` from it after everything else in the snapshot exists, so the memory is arranged at that
    moment.  They call it in every interpreter.  The real module is seeded when a script imports it.
    """

    @property
    def seed(self):
        del sys.modules["random"]
        if tuning.TUNED:
            snapshot.settle(_rehearse, _renew)
        return _drawn_later if settings.SETUP is None else stash.renew


def _drawn_later():
    """Do nothing: random numbers are drawn when they are first needed."""


def _renew():
    """Recreate what every interpreter writes to."""
    process.install()
    sys.argv = [""]
    run.fresh_main()


def _rehearse():
    """Do what most interpreters do."""
    _drawn_later()
    Ok(run.Guest().exec("pass"))
    stash.rehearse(lambda: run.Guest().exec("import rehearsed"))
    run.restart()
