#: stdout refused
import interpreters

recv, send = interpreters.create_channel(capacity=1)
deep = []
for _ in range(10**5):
    deep = [deep]
try:
    send.send(deep)
except (interpreters.NotShareableError, RecursionError):
    print('refused')
while deep:
    deep = deep.pop()
