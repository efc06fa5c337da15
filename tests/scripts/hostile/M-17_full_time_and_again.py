#: row M-17
#: attack It fills its memory to the last byte, again and again, and raises, calls and returns with nothing left.
#: outcome OK
#: stdout MemoryError ValueError 7 MemoryError True
#: stdout MemoryError ValueError 7 MemoryError True
#: stdout MemoryError ValueError 7 MemoryError True
#: stdout MemoryError ValueError 7 MemoryError True
#: stdout MemoryError ValueError 7 MemoryError True
#: stdout usable
import archipel
from concurrent.interpreters import ExecutionFailed

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
    except MemoryError:
        return 'MemoryError'


child = archipel.create(limits={'memory': 48 << 20})
for _ in range(5):
    print(
        outcome(child.exec, FILL),
        outcome(child.exec, 'raise ValueError("x" * 1000)'),
        outcome(child.call, eval, '3 + 4'),
        outcome(child.call, eval, 'b"x" * (8 << 20)'),
        outcome(child.call, eval, 'len(kept) > 10'),
    )
child.exec('del kept')
print(outcome(child.call, eval, '"usable"'))
