#: children 8 3
#: stdout 3
#: stdout done
import interpreters

SOURCE = """
import interpreters
try:
    child = interpreters.create()
except interpreters.InterpreterError:
    print(interpreters.get_current().id)
else:
    child.run("SOURCE = " + repr(SOURCE) + "; exec(SOURCE)")
"""
exec(SOURCE)
print('done')
