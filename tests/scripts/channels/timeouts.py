#: stdout TimeoutError NotReceivedError
#: stdout TimeoutError
#: stdout ValueError ValueError
import interpreters
import time

recv, send = interpreters.create_channel()


def error(f, *a, **kw):
    try:
        f(*a, **kw)
    except Exception as error:
        return type(error).__name__


start = time.monotonic()
print(error(recv.recv, timeout=0.05), error(send.send, 1, timeout=0.05))
assert time.monotonic() - start >= 0.1
print(error(recv.recv, timeout=0))
print(error(recv.recv, timeout=-1), error(recv.recv, timeout=float('nan')))
