#: row X-22
#: attack It puts channels with large messages into one another and drops all of them, to exhaust the queue limit.
#: outcome OK
#: stdout by one that lives: True
#: stdout by ones that end: True
#: stdout sent
import interpreters

# 1.2 GiB in total, while a runtime can queue 1 GiB.
HIDE = """
import interpreters
for _ in range(2):
    receive, send = interpreters.create_channel(capacity=None)
    for _ in range(%d):
        send.send((receive, bytes(1 << 20)))
    other_receive, other_send = interpreters.create_channel(capacity=None)
    other_send.send((send, receive, bytes(1 << 20)))
    send.send((other_send, other_receive))
    del receive, send, other_receive, other_send

"""


def hidden(code, times):
    child = interpreters.create()
    seen = 0
    for _ in range(times):
        child.run(code)
        seen += 1
    child.close()
    return seen == times


print('by one that lives:', hidden(HIDE % 9, 30))
print('by ones that end:', all(hidden(HIDE % 20, 1) for _ in range(14)))

receive, send = interpreters.create_channel(capacity=1)
send.send(bytes(60 << 20))
print('sent')
