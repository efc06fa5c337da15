#: row X-14
#: row X-15
#: attack Two interpreters wait for each other, and for themselves.
#: outcome RAISE(DeadlockError)
#: stdout DeadlockError
#: stdout child DeadlockError
#: stdout full DeadlockError
#: stdout empty DeadlockError
import interpreters

a_recv, a_send = interpreters.create_channel()
b_recv, b_send = interpreters.create_channel()
child = interpreters.create()
thread = child.run_in_thread("""
import interpreters
try:
    a_recv.recv()
except interpreters.DeadlockError:
    out.send('DeadlockError')
b_send.send(1)
""", channels=dict(a_recv=a_recv, b_send=b_send, out=(out := interpreters.create_channel(1))[1]))
a_recv.release()
b_send.release()
try:
    b_recv.recv()
except interpreters.DeadlockError as error:
    print(type(error).__name__)
    print('child', out[0].recv())
    b_recv.recv()
thread.join()
recv, send = interpreters.create_channel(capacity=1)
send.send(1)
try:
    send.send(2)
except interpreters.DeadlockError as error:
    print('full', type(error).__name__)
recv.recv()
try:
    recv.recv()
except interpreters.DeadlockError as error:
    print('empty', type(error).__name__)
