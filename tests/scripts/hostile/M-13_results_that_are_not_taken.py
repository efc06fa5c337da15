#: row M-13
#: attack It starts calls with large results and does not take the results.
#: outcome RAISE(NotShareableError)
#: queued 16MiB
#: stdout 3 kept
#: stdout NotShareableError
import _interpreters
import archipel
from wit_world.imports import waiting


def large():
    return bytes(5 << 20)


child = archipel.create(safe=False)
tasks = []
for _ in range(8):
    task = _interpreters.start_call(child.id, large, (), {})
    waiting.wait([waiting.Case_Ended(task)], None)
    tasks.append(task)
kept, refused = 0, set()
# Taken in this order, because each taken result makes room for others.
for task in reversed(tasks):
    try:
        kept += _interpreters.result(task)[0] is not None
    except Exception as error:
        refused.add(type(error).__name__)
print(kept, 'kept')
print(*refused)
# A result that is waited for is not queued.
assert len(child.call(lambda: bytes(20 << 20))) == 20 << 20
