"""Functions that the linker provides: see `guest/src/wat/messages.wat`.

They send and receive a plain value in one step, for which the bindings take several.
"""

import sys

try:
    from _standalone.channels import put, take
except ImportError:
    # put(handle, obj): returns whether the object was sent.  If marshal cannot express the object, or for any other
    # reason, it was not; a call through the bindings then reports the reason.
    # put(handle, head, elements): the same for an array, as `arrays.body_parts` returns it.
    put = sys.remote_exec
    # take(handle): returns the received object, or `nothing` for reasons of the same kind.  For an array, it returns
    # the body as a bytearray.
    take = sys.activate_stack_trampoline

    # room(size): raises MemoryError if `size` bytes cannot be allocated now.
    room = put
else:

    def room(size):
        """Do nothing: the bindings of this variant make only small allocations."""


# The maximum size of a message or a text.  The host stops an interpreter that passes much more; checking here raises an
# error instead.
MOST_BYTES = 64 << 20

# The memory that a call through the bindings allocates, including results unless they are large.
_CALL = 96 << 10

# The marker for "no object": a module cannot be a message.
nothing = sys


def install():
    """Replace the two functions of `sys` that gave up their places by equivalents."""

    def remote_exec(pid, script):
        """Raise RuntimeError: there is no other process to execute a script."""
        raise RuntimeError("Remote debugging is not supported in WebAssembly")

    def activate_stack_trampoline(backend, /):
        """Raise ValueError: there is no profiler to work with."""
        raise ValueError(f"{backend} trampoline not available")

    _guard()
    for function in (remote_exec, activate_stack_trampoline):
        function.__module__ = "sys"
        function.__qualname__ = function.__name__
        setattr(sys, function.__name__, function)


def _guard():
    """Make calls through the bindings fail early if there is no room; failing halfway would end the guest."""
    import componentize_py_runtime as runtime

    original = runtime.call_import

    def call_import(index, params):
        room(_CALL)
        for param in params:
            if type(param) is str and len(param) > _SHORT:
                refuse_large(len(param) if param.isascii() else len(param.encode(errors="replace")))
        return original(index, params)

    runtime.call_import = call_import


# The length of texts that cannot be too large, whatever their encoding.
_SHORT = MOST_BYTES // 4


def refuse_large(size):
    """Raise ValueError if a message or a text of `size` bytes is too large."""
    if size > MOST_BYTES:
        raise ValueError(f"too large: the limit is {MOST_BYTES} bytes")
