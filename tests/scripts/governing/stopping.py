#: stdout cancelled enough
#: stdout cleaned up
#: stdout goes on
#: stdout unwound Cancelled enough
#: stdout gone InterpreterNotFoundError
#: stdout killed InterpreterDied
#: stdout again
#: stdout task Cancelled
#: stdout refused InterpreterError
#: stdout refused InterpreterError
#: stdout refused TypeError
#: stdout refused TypeError
#: stdout sibling 1
import archipel
import interpreters

sibling = archipel.create()
sibling.exec("n = 1")
sibling.alias("say", print)


def begun(source):
    """A child that runs `source`, once that has said so."""
    child = archipel.create()
    recv, send = archipel.channel()
    child.prepare_main(send=send)
    child.alias("say", print)
    task = child.call_in_thread(exec, source)
    recv.recv()
    return child, task


LOOP = """
import archipel
try:
    send.send(1)
    while True: pass
except archipel.Cancelled as error:
    say('cancelled', str(error))
finally:
    say('cleaned up')
"""
child, task = begun(LOOP)
child.cancel("enough")
task.join()
child.exec("say('goes on')")

# Code that is stopped with `unwind` prints nothing.
child = archipel.create()
child.alias("stop", lambda: child.cancel("enough", unwind=True))
try:
    child.exec("try: stop()\nfinally: print('not reached')")
except archipel.Cancelled as error:
    print("unwound", type(error).__name__, error)
try:
    child.exec("")
except interpreters.InterpreterError as error:
    print("gone", type(error).__name__)

child = archipel.create()
child.alias("stop", lambda: child.kill())
try:
    child.exec("try: stop()\nfinally: print('not reached')")
except archipel.InterpreterDied as error:
    print("killed", type(error).__name__)
child.kill()
print("again")

task = archipel.spawn(exec, "while True: pass")
assert task.cancel() and task.cancelled()
try:
    task.result()
except archipel.Cancelled as error:
    print("task", type(error).__name__)

own = archipel.Interpreter(0)
for act in (own.cancel, own.kill, lambda: child.cancel(3), lambda: sibling.cancel("a", "b")):
    try:
        act()
    except Exception as error:
        print("refused", type(error).__name__)
sibling.exec("say('sibling', n)")
