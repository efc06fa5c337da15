#: seen ignored
signal.signal(signal.SIGINT, signal.SIG_IGN)
ready.send(1)
end = time.monotonic() + 0.05
while time.monotonic() < end:
    pass
seen = 'ignored'
