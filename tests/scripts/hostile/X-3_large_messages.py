#: row X-3
#: attack It sends messages of the maximum size, one byte more, and much more.
#: outcome RAISE(ValueError)
#: stdout 67108864 fine
#: stdout 67108865 ValueError
#: stdout 73400320 ValueError
#: stdout buffer ValueError
#: stdout call ValueError
#: stdout usable
from concurrent import interpreters as ci

import interpreters

recv, send = interpreters.create_channel(capacity=None)
child = ci.create()


def attempt(name, function, *args):
    try:
        function(*args)
        print(name, 'fine')
    except ValueError as error:
        print(name, type(error).__name__)


largest = 64 << 20
for size in (largest, largest + 1, 70 << 20):
    # Five bytes hold the type and the length.
    attempt(size, send.send, bytes(size - 5))
attempt('buffer', send.send_buffer, bytes(largest + 1))
attempt('call', child.call, len, bytes(largest + 1))
print('usable')
