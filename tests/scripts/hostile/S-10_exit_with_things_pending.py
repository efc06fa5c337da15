#: row S-10
#: attack It exits while messages that it sent are queued and another interpreter waits for it.
#: outcome CLOSED
#: stdout 0
#: stdout 1
#: stdout 2
#: stdout ChannelClosedError
import interpreters

recv, send = interpreters.create_channel(capacity=None)
child = interpreters.create()
thread = child.run_in_thread(
    'for n in range(3): send.send(n)\nimport os; os._exit(1)', channels=dict(send=send)
)
send.release()
try:
    while True:
        print(recv.recv())
except interpreters.ChannelClosedError as error:
    print(type(error).__name__)
try:
    thread.join()
except interpreters.InterpreterError:
    pass
