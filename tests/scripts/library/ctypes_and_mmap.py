#: stdout 4 8 c_long(3) 5
#: stdout NotImplementedError: ctypes is not supported: an interpreter has no native code to load or call
#: stdout OSError: ctypes is not supported: an interpreter has no native code to load or call
#: stdout 2 b'ab' b'xb' 3
#: stdout OSError: mmap cannot map files: an interpreter's memory is its own (read the file instead)
# Packages import both without needing them, so importing and declaring types works; use is refused.
import ctypes
import ctypes.util
import ctypes.wintypes
import mmap


class Point(ctypes.Structure):
    _fields_ = [('x', ctypes.c_int), ('y', ctypes.c_int)]


ctypes.POINTER(Point), ctypes.c_char * 8, ctypes.CFUNCTYPE(ctypes.c_int)
print(ctypes.sizeof(ctypes.c_void_p), ctypes.sizeof(ctypes.c_double), ctypes.c_int(3), Point(1, y=5).y)


def refused(function, *args):
    try:
        function(*args)
    except Exception as error:
        print(f'{type(error).__name__}: {error}')
    else:
        print('accepted')


refused(ctypes.pythonapi.Py_IncRef, None)
refused(ctypes.CDLL, 'libc.so')

memory = mmap.mmap(-1, 3)
print(memory.write(b'ab'), memory[:2], (memory.__setitem__(0, 120), memory[:2])[1], len(memoryview(memory)))
refused(mmap.mmap, 0, 10)
