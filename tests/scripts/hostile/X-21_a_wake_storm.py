#: row X-21
#: attack Sixty interpreters wait for one channel, which is then closed.
#: outcome CLOSED
#: children 64 1
#: stdout 60 of ChannelClosedError
import interpreters

recv, send = interpreters.create_channel()
back, out = interpreters.create_channel(capacity=None)
SOURCE = """
import interpreters
out.send('begun')
try:
    recv.recv()
except interpreters.ChannelClosedError as error:
    out.send(type(error).__name__)
"""
threads = [
    interpreters.create().run_in_thread(SOURCE, channels=dict(recv=recv, out=out)) for _ in range(60)
]
for _ in threads:
    assert back.recv() == 'begun'
send.close()
names = [back.recv() for _ in threads]
print(names.count('ChannelClosedError'), 'of ChannelClosedError')
for thread in threads:
    thread.join()
