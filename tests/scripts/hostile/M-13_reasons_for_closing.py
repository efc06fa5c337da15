#: row M-13
#: attack It closes many channels with long reasons, and keeps the channels without using handles.
#: outcome RAISE(LimitExceeded)
#: queued 4MiB
#: stdout True LimitExceeded queued
#: stdout and again
import archipel
import interpreters

kept, keep = interpreters.create_channel(capacity=None)
count = 0
try:
    while True:
        receive, send = interpreters.create_channel(capacity=1)
        send.poison(ValueError('x' * 64_000))
        keep.send(send)
        count += 1
except archipel.LimitExceeded as error:
    print(50 < count < 70, 'LimitExceeded', error.kind)
# Dropped channels no longer count, even if their numbers were read.
del kept, keep, receive, send
for _ in range(500):
    receive, send = interpreters.create_channel(capacity=1)
    send.poison(ValueError('x' * 64_000))
    send.id
print('and again')
