#: row P-11
#: attack It refers to ends of one kind as another kind in a message: it gets the error itself, and nothing is sent.
#: outcome OK
#: stdout sender in place of 4 NotShareable
#: stdout sender in place of 5 NotShareable
#: stdout sender in place of 6 NotShareable
#: stdout sender in place of 7 NotShareable
#: stdout receiver in place of 3 NotShareable
#: stdout receiver in place of 5 NotShareable
#: stdout receiver in place of 6 NotShareable
#: stdout interpreter in place of 3 NotShareable
#: stdout interpreter in place of 4 NotShareable
#: stdout interpreter in place of 5 NotShareable
#: stdout queue of two senders NotShareable
#: stdout one that is right
#: stdout None
import marshal

import interpreters
from componentize_py_types import Err
from wit_world.imports import channels
from wit_world.imports import interpreters as host

recv, send = interpreters.create_channel(capacity=8)
sender = channels.EndRef_Sender(send._handle)
receiver = channels.EndRef_Receiver(recv._handle)
interpreter = channels.EndRef_Interpreter(host.current())


def attempt(what, code, ends):
    attachments = channels.AttachmentRefs(channels.Form.ESCAPED, ends, None)
    try:
        send._handle.send(marshal.dumps((..., code, 0), 4), True, attachments, None)
    except Err as error:
        print(what, type(error.value).__name__.removeprefix('Error_'))
    else:
        print(what, 'was sent')


for code in (4, 5, 6, 7):
    attempt(f'sender in place of {code}', code, [sender])
for code in (3, 5, 6):
    attempt(f'receiver in place of {code}', code, [receiver])
for code in (3, 4, 5):
    attempt(f'interpreter in place of {code}', code, [interpreter])
attempt('queue of two senders', 5, [sender, sender])
send.send('one that is right')
print(recv.recv_nowait(None))
print(recv.recv_nowait(None))
