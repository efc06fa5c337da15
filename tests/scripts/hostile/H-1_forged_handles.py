#: row H-1
#: attack It uses a number that is not a handle as a channel.
#: outcome DIED
#: stdout reached
import interpreters
from wit_world.imports import channels

recv, send = interpreters.create_channel()
print('reached', flush=True)
# The bindings take the handle from the object; a number that is not one of our handles must not work.
forged = channels.Sender.__new__(channels.Sender)
forged.handle = 12345
forged.send(b'N', True, None, 0)
