"""Functions that the linker makes: see `guest/src/intrinsics.rs` and `guest/src/room.rs`.

They send and receive a plain value in one step, where the bindings take several.
"""

import sys

try:
    from _alone.channels import put, take
except ImportError:
    # put(handle, obj): whether the object was sent.  It was not if it needs more than marshal, and for any
    # reason of which a call of the bindings tells.
    put = sys.remote_exec
    # take(handle): what was received, or `nothing`, for reasons of the same kind.
    take = sys.activate_stack_trampoline

    # room(size): raises MemoryError where so many bytes cannot be allocated now.
    room = put
else:

    def room(size):
        """The bindings of this variant are asked for little."""


# What a call of the bindings takes, its results included, unless these are large.
_CALL = 96 << 10

# No message can be a module.
nothing = sys


def install():
    """Give `sys` functions that do what those did whose places are taken."""

    def remote_exec(pid, script):
        """There is no other process that could be asked to execute a script."""
        raise RuntimeError("Remote debugging is not supported in WebAssembly")

    def activate_stack_trampoline(backend, /):
        """There is no profiler to work with."""
        raise ValueError(f"{backend} trampoline not available")

    _guard()
    for function in (remote_exec, activate_stack_trampoline):
        function.__module__ = "sys"
        function.__qualname__ = function.__name__
        setattr(sys, function.__name__, function)


def _guard():
    """Let calls of the bindings fail that have no room: in the middle of one it would be too late."""
    import componentize_py_runtime as runtime

    original = runtime.call_import

    def call_import(index, params):
        room(_CALL)
        return original(index, params)

    runtime.call_import = call_import
