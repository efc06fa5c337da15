#: children 1 1
#: stdout (2, 3) '<i2' F b'abcdefghijkl' True
#: stdout b'abcdefghijkl' F bytearray 0
#: stdout b'abcdefghijkl' F bytearray 0
#: stdout [(2,), ()]
#: stdout an array of dtype |O is not shareable: it refers to Python objects
#: stdout ModuleNotFoundError: the message contains an array, and this interpreter has no numpy to receive it
#: stdout an object of type 'ndarray' is not shareable
# A stand-in for numpy shows how arrays travel, and what the host checks, in a guest without it.
import sys
from types import ModuleType, SimpleNamespace

import archipel
import interpreters


class dtype:
    def __init__(self, text):
        self.str, self.kind, self.hasobject = text, text[1], text[1] == 'O'
        self.names = self.subdtype = None
        self.itemsize = int(text[2:] or 4)

    def __repr__(self):
        return self.str


class ndarray:
    def __init__(self, shape, dtype, buffer, offset=0, order='C'):
        self.shape, self.dtype, self.order = shape, dtype, order
        self.nbytes = dtype.itemsize
        for length in shape:
            self.nbytes *= length
        self.offset = offset
        self.base = buffer
        self.data = memoryview(buffer)[offset : offset + self.nbytes]
        self.flags = SimpleNamespace(fnc=order == 'F', c_contiguous=order == 'C')

    @property
    def T(self):
        return ndarray(self.shape[::-1], self.dtype, self.data)

    def reshape(self, shape):
        return self

    def view(self, dtype):
        return self

    def copy(self, order):
        return ndarray(self.shape, self.dtype, bytearray(self.data), order=self.order)


ndarray.__module__ = 'numpy'
numpy = ModuleType('numpy')
numpy.ndarray, numpy.dtype = ndarray, dtype
sys.modules['numpy'] = numpy

recv, send = interpreters.create_channel(None)
array = ndarray((2, 3), dtype('<i2'), b'abcdefghijkl', order='F')
send.send(array)
got = recv.recv(timeout=60)
print(got.shape, repr(got.dtype.str), got.order, bytes(got.data), got is not array)

# One more, without a timeout: it uses the memory of the message, which aligns its elements.
send.send(array)
send.send(array, timeout=60)
for got in recv.recv(), recv.recv():
    print(bytes(got.data), got.order, type(got.base).__name__, got.offset % 16)

send.send([ndarray((2,), dtype('<f4'), bytes(8)), {'x': ndarray((), dtype('<M8'), bytes(8))}])
first, second = recv.recv()
print([first.shape, second['x'].shape])

try:
    send.send(ndarray((1,), dtype('|O'), bytes(4)))
except interpreters.NotShareableError as error:
    print(error)

# Safe interpreters accept data only, and this is data.  The child has no numpy.
child = archipel.create()
child.alias('take', lambda: array)
child.exec("""
try:
    take()
except ImportError as error:
    print(f'{type(error).__name__}: {error}')
""")
sys.modules['numpy'] = None
other = type('ndarray', (), {'__module__': 'numpy'})
try:
    send.send(other())
except interpreters.NotShareableError as error:
    print(error)
