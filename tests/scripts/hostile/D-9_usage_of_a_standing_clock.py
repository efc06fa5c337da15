#: row D-9
#: attack It measures time by its usage and by the amount over a limit while its clock is frozen.
#: outcome OK
#: clock 86400
#: stdout 0.0 0.0
#: stdout 0.0 0.0
#: stdout cpu True
import archipel


def times():
    used = archipel.usage().cpu
    return used.own, used.subtree


child = archipel.create()
print(*times())
child.exec('sum(i * i for i in range(100_000))')
sum(i * i for i in range(100_000))
print(*times())
child.limit(cpu=0.5)
try:
    child.exec('while True: pass')
except archipel.LimitExceeded as error:
    print(error.kind, error.used == error.limit == 0.5)
