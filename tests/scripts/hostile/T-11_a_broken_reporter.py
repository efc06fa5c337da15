#: row T-11
#: attack It breaks the code that reports its errors: its parent gets InterpreterDied, and no host error.
#: outcome RAISE(InterpreterDied)
#: with attacks
#: stdout exception InterpreterDied
#: stdout text InterpreterDied
#: stdout status fine
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
    print(name, outcome(source, 'x = 1'))
