#: row X-25
#: attack It looks for messages that overtake others of the same channel.
#: outcome OK
#: stdout in order
import archipel
import interpreters

a, to_a = interpreters.create_channel(capacity=None)
b, to_b = interpreters.create_channel(capacity=None)
child = interpreters.create()
thread = child.run_in_thread(
    'for n in range(2000):\n (to_a if n % 3 else to_b).send(n)', channels=dict(to_a=to_a, to_b=to_b)
)
got = {a: [], b: []}
for _ in range(2000):
    end, item = archipel.select(a, b)
    got[end].append(item)
thread.join()
print('in order' if all(items == sorted(items) for items in got.values()) else got)
