#: stdout the creator goes on
#: stdout slow is done
#: stdout after slow
#: stdout DeadlockError
#: stdout 0 1
import threading
import time
from concurrent.futures import ThreadPoolExecutor

stop = threading.Event()


def tick():
    while not stop.wait(0.001):
        pass


# Nobody waits for a daemon: it ends when its creator could go on.
threading.Thread(target=tick, daemon=True).start()
time.sleep(0.01)
print('the creator goes on')


def slow():
    time.sleep(0.02)
    print('slow is done')


# Any other has all the time that it needs.
threading.Thread(target=slow).start()
time.sleep(0.001)
print('after slow')

# But it cannot wait for what only its creator could do.
threading.Thread(target=tick).start()
try:
    time.sleep(0.001)
except RuntimeError as error:
    print(type(error).__name__)

with ThreadPoolExecutor(1) as pool:
    print(pool.submit(int).result(), pool.submit(int, 1).result())
