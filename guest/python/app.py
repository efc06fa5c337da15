"""The application that is made a component: everything that an island's snapshot holds."""

import os
import sys

from _island import library

library.collect("/python")
library.collect(os.path.dirname(__file__))
library.install()

# What a new interpreter of CPython's has imported, and what this package cannot do without.
_SEEN = set(sys.modules)

# Importing these now makes them part of every island, at no cost to any.
import archipel  # noqa: E402, F401
import concurrent.interpreters  # noqa: E402
import interpreters  # noqa: E402, F401
import runpy  # noqa: E402, F401
import textwrap  # noqa: E402, F401

from _island import copying, interrupts, process, threads  # noqa: E402

process.install()
interrupts.install()
# Whatever is imported from now on makes its locks of the ones that work here.
threads.install()

from _island import loop, modules, pool, prompt, queues, run  # noqa: E402, F401
from _island import snapshot, stash, thread_pool  # noqa: E402

queues.install(concurrent.interpreters)
thread_pool.install()
pool.install()
loop.install()
run.fresh_main()


class Guest(run.Guest):
    """The name that the bindings look for."""


class Copying(copying.Copying):
    """The name that the bindings look for."""


def _settle():
    """Leave the memory as an interpreter would find it that has run a little."""
    guest, own = Guest(), sys.modules[__name__]
    guest.exec("pass")
    guest.exec("import sys; sys.stdout")
    run.fresh_main()
    sys.argv = [""]
    sys.path[:] = []
    sys.path_importer_cache.clear()
    run._began = False
    sys.modules[__name__] = own
    sys.implementation.supports_isolated_interpreters = True
    stash.lay_in(_SEEN)
    snapshot.settle()


_settle()
