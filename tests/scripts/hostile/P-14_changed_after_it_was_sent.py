#: row P-14
#: attack It changes a buffer after it was sent.
#: outcome OK
#: stdout b'before' b'before'
import interpreters

recv, send = interpreters.create_channel(capacity=8)
buffer = bytearray(b'before')
send.send(buffer)
send.send_buffer(memoryview(buffer))
buffer[:] = b'after!'
print(bytes(recv.recv()), bytes(recv.recv()))
