#: row G-9
#: attack It drops the handles of its channels while the library still uses them.
#: outcome DIED
#: stdout reached
import interpreters
from componentize_py_runtime import drop_resource

recv, send = interpreters.create_channel(1)
print('reached', flush=True)
send._handle.finalizer()
send.send(1)
