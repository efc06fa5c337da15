#: stdout ChannelClosedError: channel 0 is closed
import interpreters

recv, send = interpreters.create_channel()
del send
try:
    recv.recv()
except interpreters.ChannelClosedError as error:
    print(f'{type(error).__name__}: {error}')
