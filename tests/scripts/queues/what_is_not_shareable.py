#: stdout NotShareableError: an object of type 'function' is not shareable
#: stdout NotShareableError: an object of type 'Point' is not shareable
#: stdout NotShareableError: an object of type 'module' is not shareable
#: stdout NotShareableError: the message holds a container that contains itself
#: stdout NotShareableError: the message holds Ellipsis, which is not data
#: stdout 0
import sys
from concurrent import interpreters


class Point:
    pass


cycle = []
cycle.append(cycle)
q = interpreters.create_queue()
for obj in (lambda: 0, {'p': [Point()]}, sys, cycle, (..., 1)):
    try:
        q.put(obj)
    except interpreters.NotShareableError as error:
        print(f'{type(error).__name__}: {error}')
print(q.qsize())
