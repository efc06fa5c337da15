#: row M-13
#: attack It closes channel after channel with a long reason, and keeps them where no handle is needed.
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
# Those that are gone count no more, though their numbers were asked for.
del kept, keep, receive, send
for _ in range(500):
    receive, send = interpreters.create_channel(capacity=1)
    send.poison(ValueError('x' * 64_000))
    send.id
print('and again')
