#: row C-26
#: attack It sends messages of millions of parts, whose check takes long, in a loop.
#: outcome LIMIT(cpu)
#: cpu 2s
#: memory 512MiB
import interpreters

receive, send = interpreters.create_channel(capacity=None)
message = [None] * (16 << 20)
while True:
    send.send(message)
    receive.recv()
