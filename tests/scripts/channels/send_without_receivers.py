#: stdout ChannelClosedError
import interpreters

recv, send = interpreters.create_channel(capacity=5)
recv.release()
try:
    send.send(1)
except interpreters.ChannelClosedError as error:
    print(type(error).__name__)
try:
    recv.recv()
except interpreters.ChannelReleasedError:
    pass
