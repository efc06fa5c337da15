#: children 3 1
#: stdout 2 limit exceeded: 3 interpreters
#: stdout 3
import interpreters

child = interpreters.create()
copies = []
try:
    while True:
        copies.append(child.copy())
except interpreters.InterpreterError as error:
    print(len(copies), error)
del copies[0]
copies.append(child.copy())
print(len(interpreters.list_all()) - 1)
