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
# Only after the join would the main thread send what the other waits for.
thread.join()
print(*seen)
lock = threading.Lock()
lock.acquire()
try:
    lock.acquire()
except DeadlockError as error:
    print(error)
