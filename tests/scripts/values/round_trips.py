#: stdout ok
import interpreters
import math
import struct

recv, send = interpreters.create_channel(capacity=1)


def trip(obj):
    send.send(obj)
    return recv.recv()


values = [
    None, True, False, 0, -1, 2**31, -2**63, 10**1000, -(10**1000),
    0.0, 1.5, float('inf'), -float('inf'), 1e-320, 1j, complex(-0.0, 2),
    '', 'text', 'h\xe9', '\ud800', '\0', '\U0001f3dd', b'', b'\0\xff',
    (), (1,), [], [1, [2, [3]]], {}, {'a': 1, (1, 2): {}}, set(), {1, 'a'},
    frozenset(), frozenset({1, (2,)}), bytearray(b'x'), [bytearray()], {'k': bytearray(b'y')},
]
for value in values:
    got = trip(value)
    assert type(got) is type(value) and got == value, (value, got)
nan = struct.unpack('<d', b'\1\2\3\4\5\6\xf8\x7f')[0]
assert struct.pack('<d', trip(nan)) == struct.pack('<d', nan)
assert math.copysign(1, trip(-0.0)) == -1
view = trip(memoryview(b'abc')[1:])
assert type(view) is memoryview and view == b'bc'
shared = ['shared']
one, two = trip((shared, shared))
assert one is two
deep = []
for _ in range(80):
    deep = [deep]
assert trip(deep) == deep
print('ok')
