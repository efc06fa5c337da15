begun.send(1)
9**9**9
