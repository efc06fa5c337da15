#: row M-13
#: attack It cancels children with messages of megabytes, and creates children with policies of megabytes.
#: outcome RAISE(ValueError)
#: children 8 1
#: stdout ValueError ValueError
import archipel
from wit_world.imports import interpreters


def error_of(act):
    try:
        act()
    except Exception as error:
        return type(error).__name__


child = archipel.create()
running = interpreters.get(child.id).start(interpreters.Job_Exec('while True: pass'))
names = [f'm{n}' for n in range(100_000)]
print(
    error_of(lambda: child.cancel('x' * (1 << 20))),
    error_of(lambda: archipel.create(policy={'modules': {'hide': names}})),
)
child.kill()
