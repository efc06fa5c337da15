#: row R-14
#: attack It creates a wide and deep tree of interpreters, and drops all at once.
#: outcome OK
#: children 60 16
#: stdout 60 interpreters
import interpreters

SOURCE = """
import interpreters
kept = []
while True:
    try:
        kept.append(interpreters.create())
    except interpreters.InterpreterError:
        break
    kept[-1].run(f"SOURCE = {SOURCE!r}; depth = {depth + 1}\\nif depth < 16: exec(SOURCE)")
"""
depth = 1
exec(SOURCE)
print(len(interpreters.list_all()) - 1, 'interpreters')
