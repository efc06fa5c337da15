#: row R-9
#: attack It drops chains of a million objects at once.
#: outcome RAISE(InterpreterDied)
#: with attacks
#: stdout list InterpreterDied
#: stdout instances InterpreterDied
#: stdout generators fine
#: stdout chain InterpreterDied
#: stdout partial InterpreterDied
ATTACKS = {
    'list': """
link = None
for _ in range(10**6):
    link = [link]
del link
""",
    'instances': """
class Link:
    def __init__(self, next):
        self.next = next
link = None
for _ in range(10**5):
    link = Link(link)
del link
""",
    'generators': """
def follow(inner):
    yield from inner
generator = iter(())
for _ in range(10**4):
    generator = follow(generator)
next(generator, None)
""",
    'chain': """
import itertools
nested = iter(())
for _ in range(10**5):
    nested = itertools.chain(nested, ())
next(nested, None)
""",
    'partial': """
from functools import partial
class Partial(partial):
    pass
f = print
for _ in range(10**5):
    f = Partial(f, kept=f)
del f
""",
}

for name, source in ATTACKS.items():
    print(name, outcome(source))
