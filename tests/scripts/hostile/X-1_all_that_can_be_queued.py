#: row X-1
#: attack It queues as much as possible, in a few channels without readers, and does not exit.
#: outcome RAISE(Err)
#: children 2 1
#: stdout True Err
#: stdout others can still be asked
import time
import archipel
import interpreters
from componentize_py_types import Err
from wit_world.imports import channels

other = interpreters.create_channel(capacity=1)[1]
# Each end is charged much more than it takes.
attachments = channels.AttachmentRefs(channels.Form.PLAIN, [channels.EndRef_Sender(other._handle)] * 1000, None)
kept, count = [], 0
try:
    while True:
        if count % 200 == 0:
            kept.append(interpreters.create_channel(capacity=None))
        kept[-1][1]._handle.send(b'N', True, attachments, 0)
        count += 1
except Err as error:
    # Three quarters: the rest is reserved for others.
    print(750 < count < 800, type(error).__name__)
time.sleep(0.3)
child = archipel.create()
child.prepare_main(x='others')
child.exec('print(x, "can still be asked")')
