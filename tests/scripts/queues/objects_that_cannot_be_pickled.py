#: stdout object could not be pickled (TypeError: cannot pickle 'generator' object)
#: stdout object could not be pickled (TypeError: cannot pickle 'module' object)
#: stdout object could not be pickled (TypeError: cannot pickle 'TextIOWrapper' instances)
#: stdout Local
#: stdout RuntimeError: no
#: stdout 1
#: stdout [1, [...]] (Ellipsis, 1) 7 Point(3)
import sys
from concurrent import interpreters


class Point:
    def __init__(self, x):
        self.x = x

    def __repr__(self):
        return f'Point({self.x})'


def local():
    class Local:
        pass

    return Local()


class Stubborn:
    def __reduce__(self):
        raise RuntimeError('no')


q = interpreters.create_queue()
for obj in ((n for n in range(3)), {'p': [sys]}, sys.stdout, local(), Stubborn()):
    try:
        q.put(obj)
        print(type(obj).__name__)
    except interpreters.NotShareableError as error:
        text = str(error)
        if isinstance(obj, Stubborn):
            text = f'{type(error.__cause__).__name__}: {error.__cause__}'
        print(text)
print(q.qsize())
q.get()

# Objects that are not data are pickled, as in CPython.
cycle = [1]
cycle.append(cycle)
for obj in (cycle, (..., 1), lambda n: n + 1, Point(3)):
    q.put(obj)
print(q.get(), q.get(), q.get()(6), q.get())
