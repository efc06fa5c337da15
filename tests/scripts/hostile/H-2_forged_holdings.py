#: row H-2
#: attack It claims to hold handles that it does not hold.
#: outcome RAISE(InterpreterError)
#: children 4 1
#: stdout nothing happens
#: stdout InterpreterError: the interpreter died: unknown handle index 12345
#: stdout InterpreterError: the interpreter died: the guest reported more handles than its limit
#: stdout InterpreterError: ZeroDivisionError: division by zero
#: stdout still alive
import interpreters
from wit_world.imports import holdings

# Without a request of the host, calls of `tell` have no effect, whatever the handles.
recv, send = interpreters.create_channel(1)
holdings.tell([send._handle] * 5000, [], [], (1 << 32) - 1)
print("nothing happens", flush=True)


def refused(source):
    child = interpreters.create()
    child.run(source)
    try:
        child.copy()
    except interpreters.InterpreterError as error:
        print("InterpreterError:", error)


# A forged inventory ends only the forging interpreter, or raises an error in it.
FORGED = """
from weakref import finalize
from componentize_py_runtime import drop_resource
from wit_world.imports import channels
forged = channels.Sender.__new__(channels.Sender)
forged.handle = 12345
forged.finalizer = finalize(forged, drop_resource, 1, 12345)
"""
refused(FORGED)
refused("""
from _island import copying
from wit_world.imports import holdings
copying._find_handles = lambda: ((), (), (), [(0,)] * 100_000)
""")
refused("""
from _island import copying
copying._find_handles = lambda: 1 / 0
""")
print("still alive")
