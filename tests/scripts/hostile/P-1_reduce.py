#: row P-1
#: attack It sends objects that run code when they are unpickled.
#: outcome RAISE(NotShareableError)
#: stdout object NotShareableError
#: stdout in a list NotShareableError
#: stdout subclass NotShareableError
#: stdout code NotShareableError
#: stdout function NotShareableError
#: stdout received: None
#: stdout run: []
import interpreters

run = []


class Evil:
    def __reduce__(self):
        return run.append, ('reduced',)


class EvilDict(dict):
    __reduce__ = Evil.__reduce__


recv, send = interpreters.create_channel(capacity=8)
for name, obj in {
    'object': Evil(),
    'in a list': [1, Evil()],
    'subclass': EvilDict(),
    'code': compile('run.append("code")', '', 'exec'),
    'function': lambda: run.append('function'),
}.items():
    try:
        send.send(obj)
        print(name, 'fine')
    except interpreters.NotShareableError as error:
        print(name, type(error).__name__)
print('received:', recv.recv_nowait(None))
print('run:', run)
