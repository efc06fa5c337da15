#: row X-22
#: attack It hides each channel's receiver in a message of the next one, thirty thousand deep, and lets the last one go.
#: outcome OK
#: stdout reached
#: stdout all gone
#: stdout still here
import interpreters

last, send = interpreters.create_channel(capacity=1)
ends = []
for _ in range(30_000):
    receive, send = interpreters.create_channel(capacity=1)
    send.send(last)
    last = receive
print('reached')
del last, receive, send
print('all gone')

# The same with the end of the interpreter, which lets go of everything at once.
child = interpreters.create()
child.run("""
import interpreters
last, send = interpreters.create_channel(capacity=1)
for _ in range(30_000):
    receive, send = interpreters.create_channel(capacity=1)
    send.send((last, send))
    last = receive
""")
child.close()
print('still here')
