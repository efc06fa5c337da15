#: row T-11
#: attack It breaks the code that reports its errors: its parent gets InterpreterDied, and no host error.
#: outcome RAISE(InterpreterDied)
#: stdout exception InterpreterDied
#: stdout text InterpreterDied
#: stdout status fine
import archipel
from concurrent.interpreters import ExecutionFailed

ATTACKS = {
    'exception': """
from _island import report
def fail(error):
    raise RuntimeError('broken')
report.exception = fail
1 / 0
""",
    'text': """
from _island import report
report._text = lambda function, fallback: 5
1 / 0
""",
    'status': """
from _island import run
run.Guest.exec = lambda self, source: 5
""",
}
for name, source in ATTACKS.items():
    child = archipel.create()
    try:
        child.exec(source)
        child.exec('x = 1')
        print(name, 'fine')
    except archipel.InterpreterDied:
        print(name, 'InterpreterDied')
    except ExecutionFailed as error:
        print(name, 'ExecutionFailed', error.excinfo.type.__name__)
