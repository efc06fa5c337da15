"""`aliases.call` of a host function with a large list, which is decoded and encoded again."""

data = [bytes(1 << 10)] * (8 << 10)


def step():
    echo(data)
