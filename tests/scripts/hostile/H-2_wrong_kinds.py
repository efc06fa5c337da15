#: row H-2
#: attack It uses handles of one kind as another kind, through the bindings.
#: outcome RAISE(InterpreterDied)
#: stdout sender as receiver InterpreterDied
#: stdout receiver as sender InterpreterDied
#: stdout channel as interpreter InterpreterDied
#: stdout channel as task InterpreterDied
#: stdout nought InterpreterDied
#: stdout huge InterpreterDied
#: stdout negative InterpreterDied
import archipel
from concurrent.interpreters import ExecutionFailed

MAKE = """
import interpreters
from wit_world.imports import channels, interpreters as host
recv, send = interpreters.create_channel(1)
def forged(kind, handle):
    end = kind.__new__(kind)
    end.handle = handle
    return end
"""
ATTACKS = {
    'sender as receiver': 'forged(channels.Receiver, send._handle.handle).length()',
    'receiver as sender': "forged(channels.Sender, recv._handle.handle).send(b'N', True, None, 0)",
    'channel as interpreter': 'forged(host.Interpreter, send._handle.handle).kill()',
    'channel as task': 'forged(host.Task, send._handle.handle).finish()',
    'nought': 'forged(channels.Sender, 0).close()',
    'huge': 'forged(channels.Sender, 2**32 - 1).close()',
    'negative': 'forged(channels.Sender, -1).close()',
}
for name, source in ATTACKS.items():
    child = archipel.create()
    try:
        child.exec(MAKE + source)
        print(name, 'fine')
    except archipel.InterpreterDied as error:
        print(name, 'InterpreterDied')
    except ExecutionFailed as error:
        print(name, error.excinfo.type.__name__)
