#: seen (True, 1)
# An interrupted wait continues for the rest of its timeout.
handled = []; waited = []
signal.signal(signal.SIGINT, lambda *_: handled.append(1))
ready.send(1)
while not handled:
    start = time.monotonic()
    try:
        inbox.recv(timeout=0.02)
    except TimeoutError:
        pass
    waited.append(time.monotonic() - start >= 0.02)
seen = all(waited), len(handled)
