"""The part of an interpreter in being copied, and the part of its copy in waking up.

The objects that represent handles need no registry of their own: each has a finalizer, and `weakref` keeps finalizers
in the order of their creation.
"""

import gc
import sys
from weakref import finalize

from componentize_py_runtime import drop_resource
from componentize_py_types import Err
from wit_world.imports import channels, holdings, interpreters

from . import report, seeding, settings, stash
from . import tasks as tasks_module

# Mechanisms that could run the script's code between these lines: garbage collection, tracing and profiling.
_collecting = True
_tracing = _profiling = None


class Copying:
    """The exports of the world's `copying` interface."""

    def prepare(self):
        _stop_others()
        try:
            senders, receivers, others, tasks = (
                [entry[0] for entry in entries] for entries in _find_handles()
            )
            holdings.tell(senders, receivers, others, len(tasks))
        except BaseException as error:
            _let_others()
            raise Err(report.exception(error)) from None

    def resume(self):
        _let_others()

    def revive(self, senders, receivers, others, tasks):
        try:
            # New handles were created last, so they come after those that they replace.
            for entries, arrived in zip(_find_handles(), (senders, receivers, others, tasks)):
                for entry, new in zip(entries, list(arrived)):
                    _replace(*entry, new)
            # The original waits for the jobs that it started; the copy does not.
            tasks_module._live.clear()
            _draw_entropy()
            _let_others()
        except BaseException as error:
            raise Err(report.exception(error)) from None


def _stop_others():
    global _collecting, _tracing, _profiling
    _collecting, _tracing, _profiling = gc.isenabled(), sys.gettrace(), sys.getprofile()
    gc.disable()
    sys.settrace(None)
    sys.setprofile(None)


def _let_others():
    if _collecting:
        gc.enable()
    sys.settrace(_tracing)
    sys.setprofile(_profiling)


def _find_handles():
    """Return senders, receivers, interpreters and tasks: the object, its finalizer and its drop function."""
    held = {
        channels.Sender: [],
        channels.Receiver: [],
        interpreters.Interpreter: [],
        interpreters.Task: [],
    }
    for finalizer in list(finalize._registry):
        alive = finalizer.peek()
        if alive is None:
            continue
        obj, function, arguments, _ = alive
        if function is drop_resource and type(obj) in held:
            held[type(obj)].append((obj, finalizer, arguments[0]))
    return tuple(held.values())


def _replace(obj, finalizer, drop, new):
    """Give `obj` the handle of `new`."""
    handle = new.handle
    new.finalizer.detach()
    finalizer.detach()
    obj.handle = handle
    obj.finalizer = finalize(obj, drop_resource, drop, handle)


def _draw_entropy():
    """Replace everything that was drawn at random, so that the copy differs from the original."""
    if settings.SETUP is not None:
        stash.renew()
    for name, draw in _DRAWN.items():
        module = sys.modules.get(name)
        if module is None:
            continue
        try:
            draw(module)
        except BaseException:
            # A script has replaced the module.
            pass


def _forget(*names):
    def forget(module):
        for name in names:
            if hasattr(module, name):
                setattr(module, name, None)

    return forget


_DRAWN = {
    "_island.origins": lambda module: module.renew(),
    "numpy.random.mtrand": seeding.defer,
    "random": lambda module: module.seed(),
    "tempfile": _forget("_name_sequence"),
    "uuid": _forget("_node", "_last_timestamp", "_last_timestamp_v6", "_last_timestamp_v7"),
}
