#: row C-29
#: attack It sends messages with millions of parts, which take long to check, in a loop.
#: outcome LIMIT(cpu)
#: cpu 2s
#: stdout reached
#: memory 512MiB
import interpreters

receive, send = interpreters.create_channel(capacity=None)
message = [None] * (16 << 20)
print('reached', flush=True)
while True:
    send.send(message)
    receive.recv()
