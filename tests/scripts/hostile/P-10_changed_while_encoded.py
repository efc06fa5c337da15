#: row P-10
#: attack It changes an object while that is being encoded: this affects only itself, and nothing is sent partially.
#: outcome OK
#: stdout refused or dead
#: stdout nothing partial
import archipel
import interpreters
from concurrent.interpreters import ExecutionFailed

recv, send = interpreters.create_channel(capacity=8)
child = archipel.create()
child.prepare_main(send=send)
try:
    child.exec("""
class Evil:
    def __buffer__(self, flags):
        items.clear()
        return memoryview(b'x')

items = [bytearray(b'a') for _ in range(100)]
items.insert(50, Evil())
send.send(items)
""")
    print('sent')
except (ExecutionFailed, archipel.InterpreterDied):
    print('refused or dead')
print(recv.recv_nowait('nothing partial'))
