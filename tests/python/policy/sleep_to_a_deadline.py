import time
steps = 0
while time.monotonic() < 0.01:
    time.sleep(0.002)
    steps += 1
stands = time.time() == time.time() == time.monotonic() == 0.01
