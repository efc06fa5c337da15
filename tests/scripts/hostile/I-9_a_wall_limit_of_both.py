#: row I-9
#: attack It catches the error of a grandchild that exceeded a wall limit that all three have, and continues.
#: outcome TIMEOUT
#: wall 400ms
#: children 8 3
#: stdout reached
import archipel

child = archipel.create(policy={'children': {'count': 2, 'depth': 1}})
print('reached', flush=True)
try:
    child.exec("""
import archipel
try:
    archipel.create().exec('import time; time.sleep(1e6)')
except BaseException:
    print('it went on', flush=True)
""")
except BaseException:
    print('it went on', flush=True)
