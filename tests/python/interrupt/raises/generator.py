def steps():
    while True:
        yield 1
ready.send(1)
sum(steps())
