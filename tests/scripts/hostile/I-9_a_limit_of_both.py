#: row I-9
#: attack It catches the error of a child that exceeded a limit that is also its own, and continues.
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
