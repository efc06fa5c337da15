#: row R-13
#: attack It calls a child that calls a child, and so on.
#: outcome RAISE(InterpreterError)
#: children 100 8
#: audit creating an interpreter: the policy grants no children
#: stdout 8 InterpreterError
#: stdout returned
SOURCE = """
import interpreters
try:
    child = interpreters.create()
except interpreters.InterpreterError:
    print(depth, "InterpreterError")
else:
    child.run(f"SOURCE = {SOURCE!r}; depth = {depth + 1}; exec(SOURCE)")
"""
depth = 0
exec(SOURCE)
print('returned')
