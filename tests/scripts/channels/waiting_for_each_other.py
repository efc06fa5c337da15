#: stdout DeadlockError
#: stdout still usable
import interpreters

a_recv, a_send = interpreters.create_channel()
b_recv, b_send = interpreters.create_channel()
child = interpreters.create()
task = child.run_in_thread(
    """
try:
    r.recv()
except Exception as error:
    seen = type(error).__name__
""",
    channels=dict(r=a_recv, s=b_send),
)
try:
    b_recv.recv()
except interpreters.DeadlockError as error:
    print(type(error).__name__)
task.join()
child.run("print('still usable' if seen == 'DeadlockError' else seen)")
