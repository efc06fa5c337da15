#: stdout 0
#: stdout 1 ChannelNotFoundError
#: stdout 5
# A channel of CPython's private module lives while a ChannelID of it exists.
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
# Other interpreters use it by its number.
child = interpreters.create()
child.exec(f"import _interpchannels\nprint(_interpchannels.recv({int(kept)})[0], flush=True)")
