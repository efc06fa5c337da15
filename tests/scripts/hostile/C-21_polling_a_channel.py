#: wall 1s
#: outcome limit
#: stdout reached
import interpreters

recv, send = interpreters.create_channel()
print('reached', flush=True)
while True:
    recv.recv_nowait(None)
