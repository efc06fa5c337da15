#: children 8 2
#: stdout limit
import interpreters

children = []
try:
    while True:
        children.append(interpreters.create())
except interpreters.InterpreterError:
    print('limit')
