#: row P-2
#: attack It marks its pickles as trusted by its parent.
#: outcome RAISE(NotShareableError)
#: stdout refused where it is sent: Error_NotShareable
#: stdout refused where it is received: NotShareableError
#: stdout refused as a result: NotShareableError
#: stdout nothing was opened by its number
#: stdout fine
import archipel
import interpreters
from concurrent import interpreters as ci

# Untrusted code marks its own pickle as trusted.
ATTACK = '''
import pickle
from marshal import dumps
from componentize_py_types import Err
from wit_world.imports import channels

class Evil:
    def __reduce__(self):
        return eval, ("print('evil')",)

body = dumps((pickle.dumps(Evil()),))
attachments = channels.AttachmentRefs(channels.Form.TRUSTED, [], None)

try:
    out._handle.send(body, True, attachments, None)
except Err as error:
    print('refused where it is sent:', type(error.value).__name__)

# Its own channel accepts the pickle, but does not deliver it to others.
import interpreters
recv, send = interpreters.create_channel(1)
send._handle.send(body, True, attachments, None)
out.send(recv)

from _island import run
run.Guest.call = lambda self, message: (body, channels.Attachments(channels.Form.TRUSTED, []))

opened = 0
for number in range(100):
    for open in (channels.open_sender, channels.open_receiver):
        try:
            open(number)
        except Err as error:
            assert type(error.value) is channels.Error_Absent, error.value
        else:
            opened += 1
# It can use only its own channel.
assert opened == 2, opened
'''

secret = ci.create_queue()
recv, send = interpreters.create_channel(1)
child = archipel.create()
child.prepare_main(out=send)
child.exec(ATTACK)
theirs = recv.recv()
for what, attempt in (('received', theirs.recv), ('result', lambda: child.call(len, 'a'))):
    try:
        print(attempt())
    except interpreters.NotShareableError as error:
        where = 'as a result' if what == 'result' else 'where it is received'
        print(f'refused {where}: {type(error).__name__}')
print('nothing was opened by its number')
print('fine')
