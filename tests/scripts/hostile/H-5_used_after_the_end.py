#: row H-5
#: attack It uses ends, tasks and interpreters after they were closed, died, or were given away.
#: outcome RAISE(ChannelReleasedError)
#: stdout closed InterpreterNotFoundError
#: stdout closed twice InterpreterNotFoundError
#: stdout dies InterpreterDied
#: stdout dead InterpreterNotFoundError
#: stdout closes the dead InterpreterNotFoundError
#: stdout given away ChannelReleasedError
#: stdout released ChannelReleasedError
import archipel
import interpreters
from concurrent import interpreters as ci


def attempt(name, function, *args):
    try:
        print(name, function(*args))
    except Exception as error:
        print(name, type(error).__name__)


child = archipel.create()
child.close()
attempt('closed', child.exec, 'x = 1')
attempt('closed twice', child.close)
dead = archipel.create()
attempt('dies', dead.exec, 'import os; os.abort()')
attempt('dead', dead.exec, 'x = 1')
attempt('closes the dead', dead.close)
recv, send = interpreters.create_channel(capacity=1)
heir = archipel.create()
archipel.transfer(send, heir)
attempt('given away', send.send, 1)
attempt('released', (recv.release(), recv.recv)[1])
