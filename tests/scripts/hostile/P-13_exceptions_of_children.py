#: row P-13
#: attack It raises an exception in a child with attributes, causes and texts that a parent should not unpack.
#: outcome RAISE(ExecutionFailed)
#: stdout ExecutionFailed SimpleNamespace str str
#: stdout True
from concurrent.interpreters import ExecutionFailed, create

child = create()
try:
    child.exec("""
class Evil(Exception):
    def __reduce__(self):
        return eval, ("print('evil')",)
    def __str__(self):
        return 'x' * 10**6
error = Evil()
error.payload = lambda: print('evil')
error.add_note('y' * 10**6)
raise error from ValueError(child := [1])
""")
except ExecutionFailed as error:
    info = error.excinfo
    print('ExecutionFailed', type(info).__name__, type(info.msg).__name__, type(info.errdisplay).__name__)
    print(len(info.msg) < 70_000 and len(info.errdisplay) < 70_000 and not hasattr(info, 'payload'))
