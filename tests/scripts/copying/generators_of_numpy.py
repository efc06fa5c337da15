#: children 2 1
#: stdout [] ['copy']
# The generator behind the functions of `numpy.random` draws anew in a copy.  A stand-in shows it without numpy.
import interpreters

original = interpreters.create()
original.run("""
import sys
from types import SimpleNamespace

seeds = []
sys.modules['numpy.random.mtrand'] = SimpleNamespace(_rand=SimpleNamespace(seed=lambda: seeds.append('copy')))
""")
copy = original.copy()
results, result = interpreters.create_channel(None)
original.run('out.send(seeds)', channels=dict(out=result))
copy.run('out.send(seeds)', channels=dict(out=result))
print(results.recv(), results.recv())
