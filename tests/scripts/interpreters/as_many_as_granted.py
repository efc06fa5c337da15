#: children 3 2
#: stdout 3 limit exceeded: 3 interpreters
#: stdout True
#: stdout InterpreterError: limit exceeded: 0 interpreters
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
