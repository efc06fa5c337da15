#: row G-7
#: attack It answers the host itself: with results of the wrong kind or too large, and without a request.
#: outcome RAISE(InterpreterDied)
#: stdout other type InterpreterDied
#: stdout none InterpreterDied
#: stdout garbage NotShareableError
#: stdout code NotShareableError
#: stdout huge InterpreterDied
#: stdout handles InterpreterDied
#: stdout exception InterpreterDied
import archipel
from concurrent.interpreters import ExecutionFailed, NotShareableError

ATTACKS = {
    'other type': 'run.Guest.call = lambda self, message: 5',
    'none': 'run.Guest.call = lambda self, message: None',
    'garbage': """
run.Guest.call = lambda self, message: (b'garbage', None)
""",
    'code': """
import marshal
run.Guest.call = lambda self, message: (marshal.dumps(compile('1', '', 'eval')), None)
""",
    'huge': """
run.Guest.call = lambda self, message: (b's' + bytes(100 << 20), None)
""",
    'handles': """
from wit_world.imports import channels
forged = channels.Sender.__new__(channels.Sender)
forged.handle = 99
run.Guest.call = lambda self, message: (b'N', channels.Attachments(channels.Form.PLAIN, [channels.End_Sender(forged)]))
""",
    'exception': """
from componentize_py_types import Err
from wit_world.exports import guest
def raised(self, message):
    raise Err(guest.NotCalled_Raised('no exception'))
run.Guest.call = raised
""",
}
for name, source in ATTACKS.items():
    child = archipel.create()
    try:
        child.exec('from _island import run\n' + source)
        print(name, child.call(len, 'a'))
    except archipel.InterpreterDied:
        print(name, 'InterpreterDied')
    except NotShareableError:
        print(name, 'NotShareableError')
    except ExecutionFailed as error:
        print(name, 'ExecutionFailed', error.excinfo.type.__name__)
    except Exception as error:
        print(name, type(error).__name__, error)
