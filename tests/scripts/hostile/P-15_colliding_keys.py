#: row P-15
#: attack It sends keys with the same hash to a receiver with its own limit; colliding texts are predictable, because the hash seed is that of the snapshot.
#: outcome RAISE(LimitExceeded)
#: cpu 60s
#: stdout received LimitExceeded cpu
import archipel
import interpreters

recv, send = interpreters.create_channel(capacity=8)
# Integers that differ by the modulus have the same hash.
modulus = (1 << 31) - 1
table = [(modulus * n, None) for n in range(1, 20_000)]
child = archipel.create(limits={'cpu': 0.3})
child.prepare_main(recv=recv)
send.send(table)
try:
    child.exec('print("received", end=" ", flush=True); dict(recv.recv())')
    print('fine')
except archipel.LimitExceeded as error:
    print('LimitExceeded', error.kind)
