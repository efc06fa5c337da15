ready.send(1)
ready.send(2)
