#: memory 108MiB
#: stdout sent
#: stdout called
from concurrent import interpreters
from interpreters import create_channel

recv, send = create_channel(capacity=1)
child = interpreters.create()
sent, argument = bytes(1 << 10), bytes(4 << 10)

# If anything were kept of each, the total would exceed the limit.
for _ in range(40_000):
    send.send(sent)
    recv.recv()
print('sent')

for _ in range(20_000):
    child.call(len, argument)
print('called')
