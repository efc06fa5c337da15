#: stdout <class 'memoryview'> 1000000 True
#: stdout TypeError
import interpreters

recv, send = interpreters.create_channel(capacity=1)
data = bytearray(range(250)) * 4000
send.send_buffer(data)
got = recv.recv()
print(type(got), len(got), got == data)
try:
    send.send_buffer('text')
except TypeError as error:
    print(type(error).__name__)
