#: row S-6
#: attack It starts threads, which have no stacks of their own here: thousands, and one that never ends.
#: outcome RAISE(LimitExceeded)
#: stdout 5000
#: stdout LimitExceeded cpu
import threading

import archipel

done = []
threads = [threading.Thread(target=done.append, args=(n,)) for n in range(5000)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(done))
child = archipel.create(limits={'cpu': 0.2})
try:
    child.exec("""
import threading
def forever():
    while True:
        pass
threading.Thread(target=forever).start()
""")
except archipel.LimitExceeded as error:
    print('LimitExceeded', error.kind)
