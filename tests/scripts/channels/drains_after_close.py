#: stdout [1, 2]
#: stdout ChannelClosedError ChannelClosedError
import interpreters

recv, send = interpreters.create_channel(capacity=None)
send.send(1)
send.send(2)
send.close()
send.close()
print(list(recv))


def error(f, *a):
    try:
        f(*a)
    except interpreters.ChannelError as error:
        return type(error).__name__


print(error(recv.recv), error(send.send, 3))
