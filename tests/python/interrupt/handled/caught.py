#: seen KeyboardInterrupt()
try:
    ready.send(1)
    while True:
        pass
except KeyboardInterrupt as error:
    seen = repr(error)
