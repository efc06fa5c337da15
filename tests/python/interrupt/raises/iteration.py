ready.send(1)
for _ in iter(int, 1):
    pass
