ready.send(1)
inbox.recv()
