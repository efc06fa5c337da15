#: children 8 2
#: stdout InterpreterDied: the interpreter cannot be copied: the result goes to the original
#: stdout joined
#: stdout 43
#: stdout 43
import interpreters

child = interpreters.create()
child.run("""
import interpreters
r, s = interpreters.create_channel()
grandchild = interpreters.create()
grandchild.run("x = 42")
task = grandchild.run_in_thread("r.recv(); x += 1", channels=dict(r=r))
""")
copy = child.copy()
# Tasks that the original started stay its own; the copy can use the same interpreters.
copy.run("""
import threading
def show(arguments):
    error = arguments.exc_value
    print(f"{type(error).__name__}: {error}", flush=True)
threading.excepthook = show
task.join()
s.send(None)
""")
child.run("task.join(); print('joined', flush=True)")
for interpreter in (child, copy):
    interpreter.run("grandchild.run('print(x, flush=True)')")
