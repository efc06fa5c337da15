#: wall 20s
#: stdout full
import interpreters

recv, send = interpreters.create_channel(capacity=1000)
while send.send_nowait(None):
    pass
print('full')
