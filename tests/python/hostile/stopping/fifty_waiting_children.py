import interpreters, time
recv, send = interpreters.create_channel()
threads = []
for _ in range(50):
    child = interpreters.create()
    threads.append(child.run_in_thread(
        'begun.send(1); recv.recv()', channels=dict(begun=begun, recv=recv)))
# Joining them would be a deadlock, which the host would end too.
time.sleep(1e6)
