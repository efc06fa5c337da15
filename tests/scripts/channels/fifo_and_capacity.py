#: stdout [True, True, True, False]
#: stdout [0, 1, 2]
#: stdout empty
import interpreters

recv, send = interpreters.create_channel(capacity=3)
print([send.send_nowait(n) for n in range(4)])
print([recv.recv_nowait() for _ in range(3)])
print(recv.recv_nowait('empty'))
