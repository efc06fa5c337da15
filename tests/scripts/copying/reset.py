#: children 8 2
#: stdout True
#: stdout NameError: name 'x' is not defined
#: stdout 1 False
#: stdout closed
#: stdout 2
import interpreters

child = interpreters.create()
recv, send = interpreters.create_channel()
child.run("""
import interpreters, json
x = 1
grandchildren = [interpreters.create() for _ in range(4)]
""", channels=dict(s=send))
del send
id = child.id
child.reset()
print(child.id == id)
try:
    child.run("x")
except interpreters.RunFailedError as error:
    print(error)
child.run("""
import concurrent.interpreters as ci, sys
print(ci.get_current().id, 'json' in sys.modules)
""")
# Its channel ends and children were dropped with its state.
try:
    recv.recv()
except interpreters.ChannelClosedError:
    print("closed")
print(len(interpreters.list_all()))
