import threading
lock = threading.Lock()
lock.acquire()
ready.send(1)
lock.acquire(timeout=10**6)
