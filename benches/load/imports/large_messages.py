"""`sender.send` and `receiver.receive` of a message with one large part."""

import interpreters

receive, send = interpreters.create_channel(capacity=None)
data = bytes(60 << 20)


def step():
    send.send(data)
    receive.recv()
