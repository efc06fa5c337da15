#: memory 140MiB
#: stdout send
#: stdout send exactly
#: stdout send_buffer
#: stdout queue
#: stdout select
#: stdout refused
import gc

import archipel
import interpreters
from concurrent import interpreters as ci

MEGABYTE = bytes(1 << 20)
TIMES = 150

# If a copy of a message were kept, each of these would exceed the limit.
recv, send = interpreters.create_channel(capacity=2)


def send_and_receive(obj):
    send.send(obj)
    return recv.recv()


for _ in range(TIMES):
    assert send_and_receive(MEGABYTE) == MEGABYTE
print('send')

for _ in range(TIMES):
    assert send_and_receive([MEGABYTE]) == [MEGABYTE]
print('send exactly')

for _ in range(TIMES):
    send.send_buffer(MEGABYTE)
    assert recv.recv() == MEGABYTE
print('send_buffer')

queue = ci.create_queue()
for _ in range(TIMES):
    queue.put(MEGABYTE)
    assert queue.get() == MEGABYTE
print('queue')

# One of the two bodies in the list of cases is sent.
for _ in range(TIMES // 2):
    archipel.select((send, MEGABYTE), (queue, MEGABYTE))
    _, got = archipel.select(recv, queue)
    assert got == MEGABYTE
print('select')

send.send(1)
send.send(2)
for number in range(TIMES):
    assert not send.send_nowait(MEGABYTE)
    # The inner exception refers to its own frame, so a garbage collection must free it.
    if number % 10 == 0:
        gc.collect()
print('refused')
