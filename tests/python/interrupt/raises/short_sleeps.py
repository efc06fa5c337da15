ready.send(1)
while True:
    time.sleep(0.001)
