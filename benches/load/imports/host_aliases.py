"""`aliases.call` of a function of the host's: a large list is decoded, and encoded again."""

data = [bytes(1 << 10)] * (8 << 10)


def step():
    echo(data)
