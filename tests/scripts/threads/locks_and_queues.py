#: stdout [0, 1, 2]
#: stdout ValueError in thread
import queue
import threading

q = queue.Queue()


def produce():
    for n in range(3):
        q.put(n)


threading.Thread(target=produce).start()
print([q.get() for _ in range(3)])
threading.excepthook = lambda args: print(args.exc_type.__name__, 'in thread')


def fail():
    raise ValueError


thread = threading.Thread(target=fail)
thread.start()
thread.join()
