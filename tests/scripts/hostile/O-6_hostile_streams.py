#: row O-6
#: attack It replaces its streams with objects that raise or never return.
#: outcome OK
#: stdout ExecutionFailed ZeroDivisionError
#: stdout result 3
import archipel
from concurrent.interpreters import ExecutionFailed

child = archipel.create(limits={'cpu': 0.5})
child.exec("""
import sys
class Evil:
    def write(self, text): raise SystemExit(99)
    flush = fileno = isatty = write
""")
try:
    child.exec('sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = Evil(); 1 / 0')
except (ExecutionFailed, archipel.InterpreterDied) as error:
    print(type(error).__name__, error.excinfo.type.__name__)
print('result', child.call(eval, '1 + 2'))
