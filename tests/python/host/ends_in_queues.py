import interpreters
from concurrent import interpreters as ci
recv, send = interpreters.create_channel(capacity=None)
queue = ci.create_queue()
for _ in range(5):
    child = interpreters.create()
    child.run_in_thread('s.send([1, s])', channels=dict(s=send)).join()
    queue.put(recv.recv())
    queue.put(recv)
