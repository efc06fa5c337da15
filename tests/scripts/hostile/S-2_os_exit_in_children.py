#: row S-2
#: attack It calls os._exit in children with every kind of status.
#: outcome RAISE(InterpreterDied)
#: stdout 0 the interpreter died: it exited with status 0
#: stdout 1 the interpreter died: it exited with status 1
#: stdout 126 the interpreter died: it exited with status 126
#: stdout 300 the interpreter died: it exited with status 44
#: stdout -1 the interpreter died: it exited with status 255
#: stdout InterpreterDied 5 times
import archipel

died = 0
for status in (0, 1, 126, 300, -1):
    try:
        archipel.create().exec(f'import os; os._exit({status})')
    except archipel.InterpreterDied as error:
        print(status, error)
        died += 1
print('InterpreterDied', died, 'times')
