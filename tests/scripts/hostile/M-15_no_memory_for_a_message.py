#: row M-15
#: row S-9
#: attack It receives messages for which it has no memory: it dies, and each goes to the next receiver, once.
#: outcome RAISE(InterpreterDied)
#: stdout recv InterpreterDied True
#: stdout select InterpreterDied True
#: stdout poll InterpreterDied True
#: stdout thread InterpreterDied True
#: stdout 41943040 and an end that leads here
#: stdout the next one
#: stdout None
import archipel
import interpreters
from concurrent.interpreters import ExecutionFailed

recv, send = interpreters.create_channel(capacity=4)
inner_recv, inner_send = interpreters.create_channel(capacity=4)
send.send((bytes(40 << 20), inner_send))
send.send('the next one')
WAYS = {
    'recv': 'recv.recv()',
    'select': 'archipel.select(recv, never)',
    'poll': 'recv.recv_nowait(None)',
    'thread': 't = threading.Thread(target=recv.recv); t.start(); t.join()',
}
for name, receive in WAYS.items():
    never, _ = interpreters.create_channel()
    child = archipel.create(limits={'memory': 64 << 20})
    child.prepare_main(recv=recv, never=never)
    try:
        child.exec(f"""
import archipel, threading
try:
    {receive}
except MemoryError:
    print('MemoryError')
print(recv.recv())
""")
    except (archipel.InterpreterDied, ExecutionFailed) as error:
        print(name, type(error).__name__, 'beyond end of memory' in str(error))
    del child, never, _
del inner_send
got, end = recv.recv()
end.send('an end that leads here')
print(len(got), 'and', inner_recv.recv())
print(recv.recv_nowait(None))
print(recv.recv_nowait(None))
