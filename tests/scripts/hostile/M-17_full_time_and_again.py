#: row M-17
#: attack It repeatedly fills its memory to the last byte, and raises, calls and returns with nothing left.
#: outcome OK
#: stdout filled MemoryError
#: stdout True
#: stdout freed True
import archipel
from concurrent.interpreters import ExecutionFailed, InterpreterError

FILL = """
kept = globals().get('kept', [])
size = 1 << 20
while True:
    try:
        kept.append(bytes(size))
    except MemoryError:
        if size <= 64:
            raise
        size //= 2
"""


def outcome(act, *args):
    try:
        return act(*args)
    except ExecutionFailed as error:
        return error.excinfo.type.__name__
    except (MemoryError, InterpreterError) as error:
        return type(error).__name__


child = archipel.create(limits={'memory': 48 << 20})
print('filled', outcome(child.exec, FILL))
seen = set()
for _ in range(5):
    seen |= {
        outcome(child.exec, 'raise ValueError("x" * 1000)'),
        outcome(child.call, eval, '3 + 4'),
        outcome(child.call, eval, 'b"x" * (8 << 20)'),
        outcome(child.exec, FILL),
    }
    if 'LimitExceeded' in seen:
        break
# CPython's compiler can report a MemoryError as a SystemError: "error return without exception set".
print(seen <= {'MemoryError', 'SystemError', 'ValueError', 7, 'LimitExceeded', 'InterpreterNotFoundError'})
# It recovers once the objects are dropped, or it was stopped at its limit.
outcome(child.exec, 'del kept')
last = outcome(child.call, eval, '"usable"')
print('freed', last == 'usable' or 'LimitExceeded' in seen)
