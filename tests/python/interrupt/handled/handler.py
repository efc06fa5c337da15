#: seen 2
seen = 0
def handler(number, frame):
    global seen
    seen = number
signal.signal(signal.SIGINT, handler)
ready.send(1)
while not seen:
    pass
