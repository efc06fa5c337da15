import interpreters, archipel, json
r, s = interpreters.create_channel(5)
caught = 0; begun = False
def work():
    global begun
    while True:
        if not begun: begun = True; ready.send(1)
        s.send([1, 'two', bytearray(b'3')]); r.recv(); s.send_nowait(s); r.recv_nowait()
        archipel.select(r, default=None)
        print(json.dumps({'a': [1, 2]})); time.sleep(0.0001)
while caught < 100:
    try:
        try: work()
        except KeyboardInterrupt:
            caught += 1
            while r.recv_nowait(None) is not None: pass
    except KeyboardInterrupt: caught += 1
