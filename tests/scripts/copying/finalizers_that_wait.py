#: children 8 1
#: stdout original
#: stdout copy
import interpreters

# A garbage collection runs code, which must not use the handles of the original.
child = interpreters.create()
recv, send = interpreters.create_channel(None)
child.run("""
import gc
class Noisy:
    def __init__(self):
        self.loop = self
    def __del__(self):
        s.send(name)
name = 'original'
gc.disable()
for n in range(20):
    Noisy()
gc.set_threshold(1, 1, 1)
gc.enable()
""", channels=dict(s=send))
def drain():
    seen = []
    while (item := recv.recv_nowait(None)) is not None:
        seen.append(item)
    return seen
assert set(drain()) <= {'original'}
child.run("gc.disable()\nfor n in range(20): Noisy()\nprint(name, flush=True)")
drain()
copy = child.copy()
copy.run("name = 'copy'; gc.collect(); print(name, flush=True)")
assert set(drain()) == {'copy'}
# After copying, garbage collection is enabled again in both.
child.run("gc.collect(); gc.enable()")
drain()
copy = child.copy()
for interpreter in (child, copy):
    interpreter.run("assert gc.isenabled() and gc.get_threshold()[0] == 1")
    interpreter.run("for n in range(20): Noisy()\nimport _island.copying")
assert set(drain()) == {'original'}
