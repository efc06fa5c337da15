#: row T-9
#: attack It passes the host invalid strings and numbers out of range.
#: outcome RAISE(InterpreterDied)
#: stdout surrogate InterpreterDied
#: stdout no text InterpreterDied
#: stdout negative InterpreterDied
#: stdout large InterpreterDied
#: stdout wrong case InterpreterDied
#: stdout no list InterpreterDied
import archipel
from concurrent.interpreters import ExecutionFailed

ATTACKS = {
    'surrogate': "aliases.call('\\ud800', (b'N', True, None))",
    'no text': "aliases.call(5, (b'N', True, None))",
    'negative': 'waiting.wait([], -1)',
    'large': 'waiting.wait([], 2**64)',
    'wrong case': 'waiting.wait([(1, 2)], 0)',
    'no list': 'waiting.wait(5, 0)',
}
for name, source in ATTACKS.items():
    child = archipel.create()
    try:
        child.exec('from wit_world.imports import aliases, waiting\n' + source)
        print(name, 'fine')
    except archipel.InterpreterDied:
        print(name, 'InterpreterDied')
    except ExecutionFailed as error:
        print(name, error.excinfo.type.__name__)
