#: stdout the interpreter died: wasm trap: wasm `unreachable` instruction executed
#: stdout InterpreterNotFoundError
#: stdout fine
import interpreters

child, sibling = interpreters.create(), interpreters.create()
try:
    child.run("import os; os.abort()")
except interpreters.InterpreterError as error:
    print(error)
try:
    child.run("pass")
except interpreters.InterpreterError as error:
    print(type(error).__name__)
sibling.run("print('fine')")
