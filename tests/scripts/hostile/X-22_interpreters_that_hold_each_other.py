#: row X-22
#: row R-14
#: attack It creates a chain of interpreters of which each holds the only reference to the next, and drops the first one.
#: outcome OK
#: children 48 1
#: stdout reached
#: stdout [0]
from concurrent import interpreters

first = last = interpreters.create()
for _ in range(40):
    following = interpreters.create()
    last.prepare_main(following=following)
    last = following
print('reached')
del first, last, following
print([interpreter.id for interpreter in interpreters.list_all()])
