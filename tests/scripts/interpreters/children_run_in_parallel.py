#: stdout ping
#: stdout pong
import interpreters

a, b = interpreters.create(), interpreters.create()
recv, send = interpreters.create_channel()
# Neither could end without the other.
one = a.run_in_thread("s.send('ping'); s.send('pong')", channels=dict(s=send))
two = b.run_in_thread("print(r.recv()); print(r.recv())", channels=dict(r=recv))
one.join()
two.join()
print(end='')
