#: row X-7
#: attack It receives from an empty channel with timeouts of zero, a moment, and longer than the clock can express.
#: outcome TIMEOUT
#: wall 2s
#: stdout 0 TimeoutError
#: stdout 1e-09 TimeoutError
#: stdout 0.01 TimeoutError
#: stdout reached
import interpreters

recv, send = interpreters.create_channel()
for timeout in (0, 1e-9, 0.01):
    try:
        recv.recv(timeout=timeout)
    except Exception as error:
        print(timeout, type(error).__name__)
print('reached', flush=True)
import archipel

# Another interpreter holds the other end and could send, so this is not a deadlock.
child = archipel.create()
child.prepare_main(send=send)
task = child.call_in_thread(exec, 'import time; time.sleep(1e6)')
recv.recv(timeout=1e9)
