#: stdout main 1
#: stdout thread a
#: stdout thread b
#: stdout main 2
#: stdout sleeper
#: stdout main 3
#: stdout at the end
import threading
import time

a = threading.Thread(target=print, args=('thread a',))
b = threading.Thread(target=print, args=('thread b',))
a.start()
b.start()
print('main 1')
a.join()
b.join()
assert not a.is_alive()
print('main 2')
threading.Thread(target=print, args=('sleeper',)).start()
time.sleep(0.001)
print('main 3')
threading.Thread(target=print, args=('at the end',)).start()
