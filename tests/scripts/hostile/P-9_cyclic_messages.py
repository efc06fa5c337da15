#: row P-9
#: attack It sends lists and dicts that contain themselves.
#: outcome RAISE(NotShareableError)
#: stdout list NotShareableError
#: stdout dict NotShareableError
#: stdout both NotShareableError
#: stdout shared [[1], [1]] True
import interpreters

recv, send = interpreters.create_channel(capacity=8)
cycle = []
cycle.append(cycle)
table = {}
table[1] = table
for name, obj in {'list': cycle, 'dict': table, 'both': (cycle, table)}.items():
    try:
        send.send(obj)
        print(name, 'fine')
    except (interpreters.NotShareableError, ValueError) as error:
        print(name, type(error).__name__)
# An object that occurs twice is not a cycle.
once = [1]
send.send([once, once])
print('shared', got := recv.recv(), got[0] is got[1])
