#: stdout interpreter already running
#: stdout interpreter already running
#: stdout True
import interpreters

child = interpreters.create()
recv, send = interpreters.create_channel()
task = child.run_in_thread("r.recv()", channels=dict(r=recv))
for act in (lambda: child.run("pass"), child.close):
    try:
        act()
    except interpreters.InterpreterError as error:
        print(error)
print(child.is_running())
send.send(None)
task.join()
