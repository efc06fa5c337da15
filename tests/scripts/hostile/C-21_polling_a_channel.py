#: row C-21
#: attack It calls the host in a loop, by polling an empty channel.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
import interpreters

recv, send = interpreters.create_channel()
print('reached', flush=True)
while True:
    recv.recv_nowait(None)
