#: children 2 1
#: stdout [] ['copy']
# The generator behind the functions of `numpy.random` is seeded in a copy when that first uses it.  A stand-in shows it
# without numpy.
import interpreters

original = interpreters.create()
original.run("""
import sys
import threading
from types import SimpleNamespace


class MT19937:
    lock = threading.RLock()


class RandomState:
    _bit_generator = MT19937()

    def seed(self):
        with self._bit_generator.lock:
            seeds.append('copy')


seeds = []
state = RandomState()
sys.modules['numpy.random.mtrand'] = SimpleNamespace(_rand=state, _MT19937=MT19937)
""")
copy = original.copy()
results, result = interpreters.create_channel(None)
draw = """
for _ in range(2):
    with state._bit_generator.lock:
        pass
out.send(seeds)
"""
original.run(draw, channels=dict(out=result))
copy.run(draw, channels=dict(out=result))
print(results.recv(), results.recv())
