#: row R-15
#: row P-5
#: attack It sends a message that is nested a hundred thousand levels deep.
#: outcome RAISE(NotShareableError)
#: stdout NotShareableError
import interpreters

recv, send = interpreters.create_channel(capacity=1)
deep = []
for _ in range(10**5):
    deep = [deep]
try:
    send.send(deep)
except Exception as error:
    print(type(error).__name__)
while deep:
    deep = deep.pop()
