#: row X-9
#: row X-10
#: row X-11
#: attack It receives from a channel that was closed with queued messages, and sends to it.
#: outcome CLOSED
#: stdout 1
#: stdout 2
#: stdout ChannelClosedError
#: stdout send ChannelClosedError
#: stdout released 1
#: stdout released ChannelClosedError
#: stdout no receiver ChannelClosedError
import interpreters


def attempt(name, function, *args):
    try:
        print(name, function(*args))
    except interpreters.ChannelClosedError as error:
        print(name, type(error).__name__)


recv, send = interpreters.create_channel(capacity=4)
send.send(1)
send.send(2)
send.close()
try:
    while True:
        print(recv.recv())
except interpreters.ChannelClosedError as error:
    print(type(error).__name__)
attempt('send', send.send, 3)

recv, send = interpreters.create_channel(capacity=4)
send.send(1)
send.release()
attempt('released', recv.recv)
attempt('released', recv.recv)

recv, send = interpreters.create_channel(capacity=4)
recv.release()
attempt('no receiver', send.send, 1)
