"""What every interpreter has from the snapshot: importing this makes the memory ready for it."""

import os
import sys

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

from . import interrupts, process, threads  # noqa: E402

process.install()
interrupts.install()
# Whatever is imported from now on makes its locks of the ones that work here.
threads.install()

from . import loop, modules, pool, prompt, queues, run  # noqa: E402, F401
from . import snapshot, stash, thread_pool  # noqa: E402

queues.install(concurrent.interpreters)
thread_pool.install()
pool.install()
loop.install()
run.fresh_main()


def settle(application):
    """Leave the memory as an interpreter would find it that has run a little.

    `application` is the module that is being imported, which must still be there in the end.
    """
    guest, own = run.Guest(), sys.modules[application]
    guest.exec("pass")
    guest.exec("import sys; sys.stdout")
    run.fresh_main()
    sys.argv = [""]
    sys.path[:] = []
    sys.path_importer_cache.clear()
    run._began = False
    sys.modules[application] = own
    sys.implementation.supports_isolated_interpreters = True
    stash.lay_in(_SEEN)
    snapshot.settle()
