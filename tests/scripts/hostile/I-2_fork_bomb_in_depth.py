#: row I-2
#: attack It makes each child create a child.
#: outcome RAISE(InterpreterError)
#: children 8 3
#: audit creating an interpreter: the policy grants no children
#: stdout 3 InterpreterError
#: stdout done
import interpreters

SOURCE = """
import interpreters
try:
    child = interpreters.create()
except interpreters.InterpreterError:
    print(interpreters.get_current().id, "InterpreterError")
else:
    child.run("SOURCE = " + repr(SOURCE) + "; exec(SOURCE)")
"""
exec(SOURCE)
print('done')
