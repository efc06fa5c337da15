#: seen [1]
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
ready.send(1)
while not seen:
    time.sleep(0.01)
