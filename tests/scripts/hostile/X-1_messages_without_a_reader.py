#: row X-1
#: attack It fills channels without readers, by count and by bytes.
#: outcome RAISE(LimitExceeded)
#: queued 1MiB
#: stdout full at 100
#: stdout LimitExceeded queued
#: stdout timeout NotReceivedError
import archipel
import interpreters

recv, send = interpreters.create_channel(capacity=100)
count = 0
while send.send_nowait(0):
    count += 1
print('full at', count)
unbounded, send = interpreters.create_channel(capacity=None)
try:
    while True:
        send.send(bytes(10_000))
except archipel.LimitExceeded as error:
    print('LimitExceeded', error.kind)
recv, send = interpreters.create_channel(capacity=1)
send.send(1)
try:
    send.send(2, timeout=0.01)
except Exception as error:
    print('timeout', type(error).__name__)
