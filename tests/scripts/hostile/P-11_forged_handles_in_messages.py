#: row P-11
#: attack It puts a number that is not one of its handles into a message.
#: outcome DIED
#: stdout reached
import interpreters
from wit_world.imports import channels

recv, send = interpreters.create_channel(capacity=8)
forged = channels.Sender.__new__(channels.Sender)
forged.handle = 12345
attachments = channels.AttachmentRefs(channels.Form.ESCAPED, [channels.EndRef_Sender(forged)], None)
print('reached', flush=True)
send._handle.send(b'N', True, attachments, None)
