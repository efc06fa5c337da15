#: seen None
try:
    ready.send(1)
    inbox.recv()
except KeyboardInterrupt as error:
    seen = error.__context__
