#: row I-9
#: attack It lets a child wait forever while it waits.
#: outcome TIMEOUT
#: wall 500ms
#: stdout reached
import interpreters

child = interpreters.create()
print('reached', flush=True)
child.run('import time; time.sleep(1e6)')
