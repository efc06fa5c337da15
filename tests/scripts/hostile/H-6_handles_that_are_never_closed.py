#: row H-6
#: attack It creates handles forever, and continues after it exceeds the limit.
#: outcome OK
#: handles 100
#: children 200 2
#: stdout channels LimitExceeded handles 100
#: stdout references LimitExceeded handles 100
#: stdout tasks LimitExceeded handles 100
#: stdout ends in messages LimitExceeded handles 100
#: stdout the message is still there
#: stdout 3
import time

import archipel
import interpreters

child = archipel.create()
recv, send = interpreters.create_channel(capacity=4)
send.send(['the message is still there', *[interpreters.create_channel()[0] for _ in range(10)]])


def until_refused(what, make):
    kept = []
    try:
        while True:
            kept.append(make())
    except archipel.LimitExceeded as error:
        print(what, type(error).__name__, error.kind, error.limit)
    # Dropping one makes room for another.
    for _ in range(3):
        kept.pop()
        kept.append(make())
    return kept


kept = until_refused('channels', interpreters.create_channel)
kept.clear()
kept = until_refused('references', archipel.create)
kept.clear()
kept = until_refused('tasks', lambda: archipel.spawn(time.sleep, 1e6))
kept.clear()
kept = []
try:
    while True:
        kept.append(interpreters.create_channel())
except archipel.LimitExceeded:
    pass
try:
    recv.recv()
except archipel.LimitExceeded as error:
    print('ends in messages', type(error).__name__, error.kind, error.limit)
kept.clear()
print(recv.recv()[0])
print(child.call(eval, '1 + 2'))
