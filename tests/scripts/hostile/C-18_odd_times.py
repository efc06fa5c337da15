#: row C-18
#: attack It sleeps and waits for times that are negative, infinite, not a number, or too long.
#: outcome RAISE(ValueError)
#: stdout ValueError ValueError OverflowError OverflowError
#: stdout ValueError ValueError
import time

import interpreters


def outcome(f, *a, **kw):
    try:
        f(*a, **kw)
    except Exception as error:
        return type(error).__name__


print(*(outcome(time.sleep, t) for t in (-1, float('nan'), float('inf'), 1e308)))
recv, send = interpreters.create_channel()
print(*(outcome(recv.recv, timeout=t) for t in (-1, float('nan'))))
