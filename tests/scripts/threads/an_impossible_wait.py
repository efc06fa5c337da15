#: stdout DeadlockError
#: stdout the lock is held by a thread that cannot run now
import threading
from archipel import DeadlockError

import interpreters

recv, send = interpreters.create_channel()
seen = []


def body():
    try:
        recv.recv()
    except DeadlockError as error:
        seen.append(type(error).__name__)


thread = threading.Thread(target=body)
thread.start()
# The main thread would send what the other one waits for only after the join.
thread.join()
print(*seen)
lock = threading.Lock()
lock.acquire()
try:
    lock.acquire()
except DeadlockError as error:
    print(error)
