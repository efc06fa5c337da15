x = list(range(10**6))
ready.send(1)
while True:
    x.sort(key=lambda n: -n)
