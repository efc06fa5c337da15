#: row I-1
#: attack It creates children until it is refused.
#: outcome RAISE(InterpreterError)
#: children 8 2
#: stdout 8 InterpreterError
#: stdout 1 usable
import interpreters

children = []
try:
    while True:
        children.append(interpreters.create())
except interpreters.InterpreterError:
    print(len(children), 'InterpreterError')
# Destroying one makes room for another.
children.pop().close()
children.append(interpreters.create())
print(1, 'usable')
