"""`sender.send` of a message with millions of parts, which takes long to check."""

import interpreters

receive, send = interpreters.create_channel(capacity=None)
data = [None] * (8 << 20)


def step():
    send.send(data)
    receive.recv()
