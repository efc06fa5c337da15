ready.send(1)
time.sleep(10**6)
