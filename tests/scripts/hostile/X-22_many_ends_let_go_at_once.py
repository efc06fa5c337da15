#: row X-22
#: attack It drops a channel that contains seventy thousand ends of other channels.
#: outcome OK
#: stdout reached
#: stdout still here
import interpreters
from wit_world.imports import channels

receive, send = interpreters.create_channel(capacity=None)
_, other = interpreters.create_channel(capacity=1)
attachments = channels.AttachmentRefs(channels.Form.PLAIN, [channels.EndRef_Sender(other._handle)], None)
for _ in range(70_000):
    send._handle.send(b'N', True, attachments, 0)
print('reached')
# A host thread drops this many ends, and must finish.
del receive, send
print('still here')
