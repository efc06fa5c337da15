#: seen enough
class Enough(Exception):
    pass
def handler(number, frame): raise Enough
signal.signal(signal.SIGINT, handler)
try:
    ready.send(1)
    inbox.recv()
except Enough:
    seen = 'enough'
