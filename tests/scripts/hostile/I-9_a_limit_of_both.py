#: row I-9
#: attack It catches what stops a child at a limit that is its own too, and goes on.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
import archipel

child = archipel.create()
print('reached', flush=True)
while True:
    try:
        child.exec('while True: pass')
    except BaseException as error:
        print('it went on', flush=True)
