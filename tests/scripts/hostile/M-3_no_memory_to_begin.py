#: row M-3
#: attack It creates children with too little memory to start, and imports modules without any memory left.
#: outcome RAISE(InterpreterError)
#: stdout 1048576 InterpreterError: limit exceeded: 1048576 bytes of memory
#: stdout 39845888 InterpreterError: limit exceeded: 39845888 bytes of memory
#: stdout MemoryError or dead
#: stdout 2
import archipel
import interpreters
from concurrent.interpreters import ExecutionFailed

for memory in (1 << 20, 38 << 20):
    try:
        archipel.create(limits={'memory': memory}).exec('pass')
        print(memory, 'fine')
    except interpreters.InterpreterError as error:
        print(memory, f'{type(error).__name__}: {error}')

child = archipel.create(limits={'memory': 48 << 20})
try:
    child.exec("""
kept = []
size = 1 << 20
while size:
    try:
        kept.append(bytes(size))
    except MemoryError:
        size //= 2
import sqlite3, xml.dom.minidom, email.message, http.server, unittest
""")
except ExecutionFailed as error:
    print(error.excinfo.type.__name__, 'or dead')
except archipel.InterpreterDied:
    # There is not even enough memory to report the error.
    print('MemoryError or dead')
print(archipel.create().call(eval, '1 + 1'))
