#: row S-1
#: attack It exits in a child, and catches the exit.
#: outcome RAISE(ExecutionFailed)
#: stdout caught
#: stdout ExecutionFailed SystemExit: 3
#: stdout still there
from concurrent import interpreters

child = interpreters.create()
child.exec("""
import sys
try:
    sys.exit(3)
except SystemExit:
    print('caught')
""")
try:
    child.exec('sys.exit(3)')
except interpreters.ExecutionFailed as error:
    print('ExecutionFailed', f'{error.excinfo.type.__name__}: {error.excinfo.msg}')
child.exec("print('still there')")
