#: stdout 0
#: stdout 1 ChannelNotFoundError
#: stdout 5
# A channel of CPython's private module is there as long as something has its ID.
import _interpchannels as channels
from concurrent import interpreters

for _ in range(20_000):
    channels.create()
print(len(channels.list_all()))

kept = channels.create()
channels.send(kept, 5, blocking=False)
number = int(channels.create())
try:
    channels.send(number, 1, blocking=False)
except channels.ChannelError as error:
    print(len(channels.list_all()), type(error).__name__)
# By its number it is used by others.
child = interpreters.create()
child.exec(f"import _interpchannels\nprint(_interpchannels.recv({int(kept)})[0], flush=True)")
