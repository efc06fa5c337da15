#: row M-15
#: row S-9
#: row X-18
#: attack It receives a message for which it has no memory: it dies, and that message is lost with it.
#: outcome RAISE(InterpreterDied)
#: stdout InterpreterDied the interpreter died: realloc return: beyond end of memory
#: stdout the next one
#: stdout None
import archipel
import interpreters
from concurrent.interpreters import ExecutionFailed

recv, send = interpreters.create_channel(capacity=4)
child = archipel.create(limits={'memory': 64 << 20})
child.prepare_main(recv=recv)
send.send(bytes(40 << 20))
send.send('the next one')
try:
    child.exec("""
try:
    recv.recv()
except MemoryError:
    print('MemoryError')
print(recv.recv())
""")
except (archipel.InterpreterDied, ExecutionFailed) as error:
    print(type(error).__name__, error)
for _ in range(2):
    got = recv.recv_nowait(None)
    print(got if got is None or isinstance(got, str) else len(got))
