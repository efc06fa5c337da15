#: row X-22
#: attack A channel lives in a message after its creator is destroyed, and no longer than the message.
#: outcome OK
#: stdout from beyond
#: stdout ChannelClosedError
import interpreters

recv, send = interpreters.create_channel(capacity=4)
child = interpreters.create()
child.run("""
import interpreters
own_recv, own_send = interpreters.create_channel(4)
own_send.send('from beyond')
send.send(own_recv)
""", channels=dict(send=send))
child.close()
inner = recv.recv()
print(inner.recv())
try:
    inner.recv()
except interpreters.ChannelClosedError as error:
    print(type(error).__name__)
