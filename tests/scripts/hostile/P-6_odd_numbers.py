#: row P-6
#: attack It sends numbers with a million bits, NaNs, and numbers close to zero.
#: outcome OK
#: stdout 8 as they were
import math
import struct

import interpreters

recv, send = interpreters.create_channel(capacity=None)
numbers = [1 << 10**6, -(1 << 10**6), math.nan, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308]


def bits(number):
    return number if isinstance(number, int) else struct.pack('d', number)


same = 0
for number in numbers:
    send.send(number)
    same += bits(recv.recv()) == bits(number)
print(same, 'as they were')
