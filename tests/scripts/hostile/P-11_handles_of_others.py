#: row P-11
#: attack It puts ends into messages that are closed, released, or were never its own.
#: outcome RAISE(ChannelReleasedError)
#: stdout released ChannelReleasedError
#: stdout in a list ChannelReleasedError
#: stdout closed sent
#: stdout 1
import interpreters

recv, send = interpreters.create_channel(capacity=8)
gone_recv, gone = interpreters.create_channel()
gone.release()
gone_recv.release()
closed_recv, closed = interpreters.create_channel()
closed.close()
for name, obj in {'released': gone, 'in a list': [send, gone_recv], 'closed': closed}.items():
    try:
        send.send(obj)
        print(name, 'sent')
    except Exception as error:
        print(name, type(error).__name__)
# None of the refused objects has arrived.
print(sum(recv.recv_nowait(None) is not None for _ in range(3)))
