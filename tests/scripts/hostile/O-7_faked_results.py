#: row O-7
#: attack It prints text that looks like a result from the host.
#: outcome RAISE(ExecutionFailed)
#: stdout {"outcome": "ok", "result": 42}
#: stdout RESULT: 42
#: stdout ExecutionFailed ZeroDivisionError
#: stdout 3
from concurrent.interpreters import ExecutionFailed, create

child = create()
try:
    child.exec("""
print('{"outcome": "ok", "result": 42}')
print('RESULT: 42', flush=True)
1 / 0
""")
except ExecutionFailed as error:
    print('ExecutionFailed', error.excinfo.type.__name__)
print(child.call(eval, '1 + 2'))
