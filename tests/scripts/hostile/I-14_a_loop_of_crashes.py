#: row I-14
#: attack It crashes children in a loop.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: stdout reached
import interpreters

print('reached', flush=True)
while True:
    try:
        interpreters.create().run('import os; os.abort()')
    except interpreters.InterpreterError:
        pass
