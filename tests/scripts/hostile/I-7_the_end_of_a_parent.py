#: row I-7
#: attack It ends while its descendants still run and wait.
#: outcome EXIT(0)
#: children 32 3
#: stdout 3 run
import interpreters
import os

recv, send = interpreters.create_channel(capacity=None)
SOURCE = """
import interpreters
send.send('begun')
if depth < 2:
    child = interpreters.create()
    child.run(f'SOURCE, depth = {SOURCE!r}, {depth + 1}; exec(SOURCE)', channels=dict(send=send))
while True:
    pass
"""
child = interpreters.create()
child.run_in_thread(f'SOURCE, depth = {SOURCE!r}, 0; exec(SOURCE)', channels=dict(send=send))
print(sum(recv.recv() == 'begun' for _ in range(3)), 'run', flush=True)
os._exit(0)
