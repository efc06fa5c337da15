#: stdout DeadlockError
#: stdout DeadlockError
#: stdout None
# A blocking send of which the sender itself is the only possible receiver.
import threading
import _interpchannels as channels
from archipel import DeadlockError
from concurrent import interpreters

channel = channels.create()
try:
    channels.send(channel, 1, blocking=True)
except DeadlockError as error:
    print(type(error).__name__)
thread = threading.Thread(target=channels.send, args=(channel, 2), kwargs={"blocking": True})
thread.start()
try:
    thread.join()
except DeadlockError as error:
    print(type(error).__name__)

# Here another interpreter can receive.
other = channels.create()
source = f"""
import _interpchannels
while _interpchannels.recv({int(other)}, None)[0] is None:
    pass
"""
thread = interpreters.create().call_in_thread(exec, source)
print(channels.send(other, 3, blocking=True))
thread.join()
