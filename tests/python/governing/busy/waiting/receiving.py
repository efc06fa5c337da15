begun.send(1)
begun_too.recv()
