#: children 8 1
#: stdout 50 50
#: stdout closed
#: stdout still open
#: stdout closed
import interpreters

child = interpreters.create()
recv, send = interpreters.create_channel(None)
child.run("""
import gc, interpreters
class Loop:
    pass
# Some ends are garbage that is not collected yet, and some were released.
kept = []
for n in range(50):
    loop = Loop()
    loop.self, loop.ends = loop, interpreters.create_channel(1)
    kept.append(interpreters.create_channel(1))
del kept[::2], loop
shut = interpreters.create_channel(1)
shut[1].send("left"); shut[1].close()
alone, lost = interpreters.create_channel(1)
lost.release()
gc.set_threshold(1)
""", channels=dict(s=send))
copies = [child.copy() for _ in range(2)]
for copy in copies:
    copy.run("""
gc.collect()
for r, t in kept:
    t.send(1)
    assert r.recv() == 1
fresh = [interpreters.create_channel(1) for _ in range(50)]
for n, (r, t) in enumerate(fresh):
    t.send(n)
assert [r.recv() for r, t in fresh] == list(range(50))
shut[1].close()
try:
    shut[0].recv_nowait()
except interpreters.ChannelClosedError:
    pass
for end in shut[0], alone:
    try:
        end.recv()
    except interpreters.ChannelClosedError:
        pass
    else:
        raise AssertionError("it is closed")
s.send(len(fresh))
""")
print(recv.recv(), recv.recv())
del send
child.run("del s")
copies[0].run("del s")
try:
    recv.recv(timeout=0)
except TimeoutError:
    # One of the copies holds it.
    copies[1].run("s.close()")
try:
    recv.recv()
except interpreters.ChannelClosedError:
    print("closed")
recv, send = interpreters.create_channel(None)
child.run("pass", channels=dict(s=send))
del send
copy = child.copy()
child.close()
try:
    recv.recv(timeout=0)
except TimeoutError:
    print("still open")
copy.close()
try:
    recv.recv()
except interpreters.ChannelClosedError:
    print("closed")
