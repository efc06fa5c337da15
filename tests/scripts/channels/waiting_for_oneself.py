#: stdout interpreter 0 waits to receive from channel 0
#: stdout interpreter 0 waits to send to channel 0
import interpreters

recv, send = interpreters.create_channel()
for wait in (recv.recv, lambda: send.send(1)):
    try:
        wait()
    except interpreters.DeadlockError as error:
        print(error)
