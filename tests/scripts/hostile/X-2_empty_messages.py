#: row X-2
#: attack It fills a channel with empty messages: each counts as 256 bytes.
#: outcome RAISE(LimitExceeded)
#: queued 64KiB
#: stdout 256 LimitExceeded queued
import archipel
import interpreters

recv, send = interpreters.create_channel(capacity=None)
count = 0
try:
    while True:
        send.send(None)
        count += 1
except archipel.LimitExceeded as error:
    print(count, 'LimitExceeded', error.kind)
