#: children 8 2
#: stdout InterpreterError: interpreter already running
#: stdout InterpreterError: interpreter already running
#: stdout InterpreterError: interpreter already running
#: stdout InterpreterError: interpreter already running
#: stdout InterpreterNotFoundError: unrecognized interpreter ID 1
#: stdout InterpreterNotFoundError: unrecognized interpreter ID 1
#: stdout InterpreterNotFoundError: unrecognized interpreter ID 0
#: stdout InterpreterNotFoundError: unrecognized interpreter ID 0
import interpreters

REFUSED = """
def refused(act):
    try:
        act()
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
"""
exec(REFUSED)
child = interpreters.create()
recv, send = interpreters.create_channel()
task = child.run_in_thread("r.recv()", channels=dict(r=recv))
refused(child.copy)
refused(child.reset)
send.send(None)
task.join()
own = interpreters.get_current()
refused(own.copy)
refused(own.reset)
child.close()
refused(child.copy)
refused(child.reset)
# An interpreter can name only its descendants.
other = interpreters.create()
other.run(REFUSED + """
import _interpreters
refused(lambda: _interpreters.copy(0))
refused(lambda: _interpreters.reset(0))
""")
