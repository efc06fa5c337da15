#: stdout SystemExit: 3
#: stdout the interpreter died: it exited with status 4
import interpreters

child = interpreters.create()
try:
    child.run("import sys; sys.exit(3)")
except interpreters.RunFailedError as error:
    print(error)
try:
    child.run("import os; os._exit(4)")
except interpreters.InterpreterError as error:
    print(error)
