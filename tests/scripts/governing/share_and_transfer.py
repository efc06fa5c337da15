#: stdout through recv_0
#: stdout back
#: stdout released
#: stdout ['first\n', 'second\n']
#: stdout third
#: stdout 5 fourth
#: stdout b'bytes'
#: stdout detached
#: stdout closed
#: stdout refused TypeError
#: stdout refused ValueError
#: stdout refused ValueError
#: stdout refused InterpreterError
#: stdout done
import io

import archipel
import interpreters

child = archipel.create()
child.alias("say", print)

recv, send = interpreters.create_channel(1)
name = archipel.share(recv, child)
send.send(f"through {name}")
child.exec(f"say({name}.recv())")
archipel.transfer(send, child, name="out")
child.exec("out.send('back')")
print(recv.recv())
try:
    send.send(1)
except interpreters.ChannelReleasedError:
    print("released")

file = io.TextIOWrapper(io.BytesIO(b"first\nsecond\nthird\n"), encoding="utf-8")
archipel.share(file, child, name="lines")
child.exec("say([lines.readline(), next(lines)])")
print(file.readline(), end="")
child.exec("""
with lines:
    position = lines.seek(0, 2)
    lines.write('fourth')
    lines.seek(position)
    say(5, lines.read())
""")
assert not file.closed
try:
    child.exec("lines.read()")
except Exception as error:
    assert "closed file" in str(error), error

binary = io.BufferedReader(io.BytesIO(b"bytes"))
archipel.transfer(binary, child, name="binary")
child.exec("say(binary.read())")
try:
    binary.read()
except ValueError:
    print("detached")
child.exec("binary.close(); binary.close(); say('closed' if binary.closed else 'open')")

running = archipel.create()
task = running.call_in_thread(exec, "import time; time.sleep(1e6)")
for arguments in ((3, child), (recv, child, "a b"), (recv, child, ""), (file, running)):
    try:
        obj, to, *name = arguments
        archipel.share(obj, to, name=name[0] if name else None)
    except Exception as error:
        print("refused", type(error).__name__)
running.kill()
print("done")
