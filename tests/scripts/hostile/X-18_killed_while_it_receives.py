#: row X-18
#: attack It is killed at the moment when it makes room for a message, while another receiver starts to wait.
#: outcome RAISE(InterpreterDied)
#: children 4 1
#: stdout asked for memory
#: stdout InterpreterDied the interpreter was killed
#: stdout asked for memory
#: stdout InterpreterDied the interpreter was killed
#: stdout 41943040
#: stdout 1
#: stdout 2
#: stdout None
import archipel
import interpreters

recv, send = interpreters.create_channel(capacity=1)
never, kept = interpreters.create_channel()
ready, ready_send = interpreters.create_channel()
out, out_send = interpreters.create_channel(capacity=None)


def killed(receive, meanwhile):
    def reached(limit):
        # The child is suspended in the middle of the receive.
        print('asked for', limit.kind)
        meanwhile()
        child.kill()

    child = archipel.create()
    child.prepare_main(recv=recv, never=never)
    child.limit(memory=64 << 20, on_limit=reached)
    try:
        child.exec(f'import archipel\n{receive}\nrecv.recv()')
    except archipel.InterpreterDied as error:
        print(type(error).__name__, error)


def another():
    global thread
    thread = interpreters.create().run_in_thread("""
ready_send.send(1)
for _ in range(3):
    got = recv.recv()
    out_send.send(got if isinstance(got, int) else len(got))
""", channels=dict(recv=recv, ready_send=ready_send, out_send=out_send))
    ready.recv()


send.send(bytes(40 << 20))
killed('recv.recv()', lambda: None)
killed('archipel.select(recv, never)', another)
send.send(1)
send.send(2)
thread.join()
for _ in range(4):
    print(out.recv_nowait(None))
