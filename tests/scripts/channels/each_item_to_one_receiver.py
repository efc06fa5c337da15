#: stdout 4950 100
import interpreters

recv, send = interpreters.create_channel(capacity=4)
out_recv, out_send = interpreters.create_channel(capacity=None)
workers = [interpreters.create() for _ in range(4)]
tasks = [
    w.run_in_thread("for n in r: s.send(n)", channels=dict(r=recv, s=out_send)) for w in workers
]
for n in range(100):
    send.send(n)
send.close()
for task in tasks:
    task.join()
items = [out_recv.recv() for _ in range(100)]
print(sum(items), len(set(items)))
