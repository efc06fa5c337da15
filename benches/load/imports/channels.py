"""`channels.create`, `close`, `destroy`, `poison`, `info`, `list-all` of channels that are as full as possible."""

import interpreters

REASON = ValueError('x' * 60_000)
kept = [interpreters.create_channel() for _ in range(200)]


def step():
    receive, send = interpreters.create_channel(capacity=None)
    for _ in range(4000):
        send.send(None)
    interpreters.list_all_channels()
    receive.close(force=True)
    receive, send = interpreters.create_channel()
    send.poison(REASON)
