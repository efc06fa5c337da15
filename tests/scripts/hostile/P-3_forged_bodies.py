#: row P-3
#: attack It sends bytes that are not a valid message, bypassing the codec.
#: outcome RAISE(Error_NotShareable)
#: stdout 10 of Error_NotShareable
import marshal

import interpreters
from componentize_py_types import Err
from wit_world.imports import channels

recv, send = interpreters.create_channel(capacity=None)
code = marshal.dumps(compile('1', '', 'exec'))
bodies = [
    b'',
    b'[',
    b'[\xff\xff\xff\x7f',
    b'r\0\0\0\0',
    b'[\1\0\0\0\x80[',
    b'{[\0\0\0\0N0',
    b'NN',
    b'S',
    b'.',
    code,
]
refused = 0
for body in bodies:
    try:
        send._handle.send(body, True, None, 0)
    except Err as error:
        refused += isinstance(error.value, channels.Error_NotShareable)
print(refused, 'of Error_NotShareable')
