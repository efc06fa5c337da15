#: row I-9
#: attack It lets a child use its CPU time while it waits.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: stdout reached
import interpreters

child = interpreters.create()
print('reached', flush=True)
while True:
    try:
        child.run('while True: pass')
    except BaseException as error:
        print(type(error))
