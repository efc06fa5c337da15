#: stdout 42
#: stdout True
import interpreters

recv, send = interpreters.create_channel(capacity=None)
carrier_recv, carrier = interpreters.create_channel(capacity=1)
child = interpreters.create()
task = child.run_in_thread("inner = r.recv()['end']; inner.send(42)", channels=dict(r=carrier_recv))
carrier.send({'end': send})
print(recv.recv())
task.join()
carrier.send([recv])
print(carrier_recv.recv()[0] == recv)
