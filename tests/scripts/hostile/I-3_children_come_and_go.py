#: row I-3
#: attack It creates and closes children in a loop, which uses its own CPU time.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: stdout reached
import interpreters

print('reached', flush=True)
while True:
    try:
        interpreters.create().close()
    except BaseException:
        pass
