ready.send(1)
while True:
    pass
