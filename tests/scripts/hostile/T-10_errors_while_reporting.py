#: row T-10
#: attack It runs out of stack and memory while its error is being reported.
#: outcome RAISE(ExecutionFailed)
#: stdout stack ExecutionFailed RecursionError
#: stdout memory ExecutionFailed MemoryError
#: stdout in the text ExecutionFailed <unprintable Evil object>
#: stdout handler fails or dies
import archipel
from concurrent.interpreters import ExecutionFailed

ATTACKS = {
    'stack': 'def f(): f()\nf()',
    'memory': """
kept = []
while True:
    kept.append(bytes(1 << 16))
""",
    'in the text': """
class Evil(Exception):
    def __str__(self):
        return str(self)
raise Evil
""",
    'handler': """
import traceback
def fill(*args, **kwargs):
    kept = []
    size = 1 << 20
    while size:
        try:
            kept.append(bytes(size))
        except MemoryError:
            size //= 2
    globals()['kept'] = kept
    raise MemoryError
traceback.format_exception = fill
1 / 0
""",
}
for name, source in ATTACKS.items():
    child = archipel.create(limits={'memory': 64 << 20})
    try:
        child.exec(source)
    except (ExecutionFailed, archipel.InterpreterDied) as error:
        if name == 'handler':
            # The outcome depends on the little memory that is left.
            print(name, 'fails or dies')
            continue
        text = error.excinfo.msg if name == 'in the text' else error.excinfo.type.__name__
        print(name, 'ExecutionFailed', text)
