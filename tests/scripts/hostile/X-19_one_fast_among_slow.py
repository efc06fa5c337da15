#: row X-19
#: attack One receiver takes all messages that it can, while others wait for their turn.
#: outcome OK
#: children 16 1
#: stdout all of them received
#: stdout and nothing was lost
import interpreters

recv, send = interpreters.create_channel()
first, got_first = interpreters.create_channel(capacity=None)
back, out = interpreters.create_channel(capacity=None)
SOURCE = """
got = 0
for item in recv:
    got += 1
    if got == 1:
        got_first.send(1)
    {pause}
out.send(got)
"""
threads = []
for n in range(10):
    child = interpreters.create()
    pause = 'pass' if n == 0 else 'sum(range(1000))'
    channels = dict(recv=recv, out=out, got_first=got_first)
    threads.append(child.run_in_thread(SOURCE.format(pause=pause), channels=channels))
sent = satisfied = 0
while satisfied < len(threads):
    send.send(sent)
    sent += 1
    satisfied += first.recv_nowait(0)
print('all of them received')
send.close()
for thread in threads:
    thread.join()
print('and nothing was lost' if sum(back.recv() for _ in threads) == sent else sent)
