begun.send(1)
sum(range(10**12))
