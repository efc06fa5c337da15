#: row X-13
#: attack It closes channels twice, and closes other interpreters' channels by number.
#: outcome RAISE(ChannelReleasedError)
#: stdout ChannelReleasedError: channel 0 was released
#: stdout 100 of nothing
#: stdout 1
import interpreters

recv, send = interpreters.create_channel(capacity=4)
other_recv, other_send = interpreters.create_channel(capacity=4)
send.close()
send.close()
recv.release()
recv.release()
try:
    recv.close()
except interpreters.ChannelReleasedError as error:
    print(f'{type(error).__name__}: {error}')
child = interpreters.create()
child.run("""
from wit_world.imports import channels
from componentize_py_types import Err
absent = 0
for number in range(50):
    for open in (channels.open_sender, channels.open_receiver):
        try:
            open(number).close()
        except Err as error:
            absent += type(error.value) is channels.Error_Absent
print(absent, 'of nothing')
""")
other_send.send(1)
print(other_recv.recv())
