#: row M-15
#: row S-9
#: attack It receives messages for which it has no memory: MemoryError is raised, and each message goes to the next receiver, once.
#: outcome OK
#: stdout recv MemoryError MemoryError
#: stdout select MemoryError MemoryError
#: stdout poll MemoryError MemoryError
#: stdout thread MemoryError MemoryError
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
    'thread': 'in_a_thread(recv.recv)',
}
for name, receive in WAYS.items():
    never, _ = interpreters.create_channel()
    child = archipel.create(limits={'memory': 64 << 20})
    child.prepare_main(recv=recv, never=never)
    child.exec(f"""
import archipel, threading
def in_a_thread(act):
    raised = []
    def body():
        try:
            act()
        except MemoryError as error:
            raised.append(error)
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    raise raised[0]
try:
    {receive}
except MemoryError:
    print('{name} MemoryError', end=' ')
""")
    try:
        child.exec('recv.recv()')
    except ExecutionFailed as error:
        print(error.excinfo.type.__name__)
    del child, never, _
del inner_send
got, end = recv.recv()
end.send('an end that leads here')
print(len(got), 'and', inner_recv.recv())
print(recv.recv_nowait(None))
print(recv.recv_nowait(None))
