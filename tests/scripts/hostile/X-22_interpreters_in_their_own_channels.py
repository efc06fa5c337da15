#: row X-22
#: attack It puts interpreters into channels whose ends only they hold, and drops both.
#: outcome OK
#: stdout reached
import interpreters
from concurrent import interpreters as trusting

for _ in range(50):
    receive, send = interpreters.create_channel(capacity=None)
    child = trusting.create()
    child.exec('pass')
    child.prepare_main(kept=receive)
    send.send((child, bytes(1 << 20)))
    del receive, send, child
print('reached')
