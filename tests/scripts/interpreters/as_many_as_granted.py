#: children 3 2
#: stdout 3 the limit of 3 interpreters is reached
#: stdout True
#: stdout InterpreterError: the limit of 0 interpreters is reached
import interpreters

children = []
try:
    while True:
        children.append(interpreters.create())
except interpreters.InterpreterError as error:
    print(len(children), error)
del children[1:]
grandchild = """
import interpreters
child = interpreters.create()
try:
    child.run('import interpreters; interpreters.create()')
except interpreters.RunFailedError as error:
    print(error)
"""
print(len(interpreters.list_all()) == 2)
children[0].run(grandchild)
