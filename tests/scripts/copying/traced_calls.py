#: children 8 1
#: stdout True
#: stdout original copy
import interpreters

# Trace functions would run between the copy's first lines, with handles of the original.
child = interpreters.create()
recv, send = interpreters.create_channel(None)
child.run("""
import sys
name = 'original'
def trace(*arguments):
    if on:
        s.send(name)
on = True
sys.setprofile(trace)
sys.setprofile(None)
""", channels=dict(s=send))
while recv.recv_nowait(None) is not None:
    pass
child.run("on = False; sys.setprofile(trace); on = True; s")
while recv.recv_nowait(None) is not None:
    pass
copy = child.copy()
seen = []
while (item := recv.recv_nowait(None)) is not None:
    seen.append(item)
# Calls during the wake-up are traced only after the handles are replaced.
print(set(seen) <= {'original'})
for interpreter in (child, copy):
    interpreter.run("on = False; sys.setprofile(None)")
copy.run("name = 'copy'")
names = []
for interpreter in (child, copy):
    while recv.recv_nowait(None) is not None:
        pass
    interpreter.run("s.send(name)")
    names.append(recv.recv())
print(*names)
