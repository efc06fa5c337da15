ready.send(1)
inbox.recv(timeout=10**6)
