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


# Daemon threads are not waited for: this one ends when its creator could go on.
threading.Thread(target=tick, daemon=True).start()
time.sleep(0.01)
print('the creator goes on')


def slow():
    time.sleep(0.02)
    print('slow is done')


# Other threads have all the time that they need.
threading.Thread(target=slow).start()
time.sleep(0.001)
print('after slow')

# But they cannot wait for an action of their creator.
threading.Thread(target=tick).start()
try:
    time.sleep(0.001)
except RuntimeError as error:
    print(type(error).__name__)

with ThreadPoolExecutor(1) as pool:
    print(pool.submit(int).result(), pool.submit(int, 1).result())
