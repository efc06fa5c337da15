#: row X-22
#: attack It puts each channel's receiver into a message of the next one, thirty thousand deep, and drops the last.
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

# The same at the end of an interpreter, which drops everything at once.
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
