"""Two functions that the linker makes: see `guest/src/intrinsics.rs`.

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

    for function in (remote_exec, activate_stack_trampoline):
        function.__module__ = "sys"
        function.__qualname__ = function.__name__
        setattr(sys, function.__name__, function)
