#: stdout 6 x
#: stdout QueueEmpty True
#: stdout QueueFull True
#: stdout 2 True False
import queue
import time
from concurrent import interpreters

q = interpreters.create_queue(2)
child = interpreters.create()
child.prepare_main(q=q, n=5)
child.exec("q.put(n + 1); q.put('x')")
print(q.get(), q.get())
start = time.monotonic()
try:
    q.get(timeout=0.05)
except interpreters.QueueEmpty as error:
    print(type(error).__name__, isinstance(error, queue.Empty))
assert time.monotonic() - start >= 0.05
q.put(1)
q.put(2)
try:
    q.put(3, timeout=0.01)
except interpreters.QueueFull as error:
    print(type(error).__name__, isinstance(error, queue.Full))
print(q.qsize(), q.full(), q.empty())
