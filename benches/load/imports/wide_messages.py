"""`sender.send` of a message of millions of parts, whose check takes long."""

import interpreters

receive, send = interpreters.create_channel(capacity=None)
data = [None] * (8 << 20)


def step():
    send.send(data)
    receive.recv()
