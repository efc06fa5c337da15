#: row D-3
#: attack It looks for a clock that goes backwards, and for a sleep that is too short.
#: outcome OK
#: stdout never back
#: stdout never short
import time

times = [time.monotonic_ns() for _ in range(10**5)]
print('never back' if times == sorted(times) else 'back')
short = 0
for delay in (0, 1e-9, 0.001, 0.01):
    before = time.monotonic()
    time.sleep(delay)
    short += time.monotonic() - before < delay
print('never short' if not short else short)
