import random, uuid, os, secrets, time, datetime, tempfile, threading, asyncio
print(random.random(), random.randbytes(4), random.SystemRandom().random())
print(uuid.uuid4(), uuid.uuid1(), os.urandom(8), secrets.token_hex(8))
print(time.time(), time.monotonic(), time.perf_counter(), time.process_time(), time.time_ns())
print(datetime.datetime.now(), time.localtime())
print(hash('text'), {'a', 'b', 'c', 'd', 'e'}, {b'x': 1, b'y': 2}, id(object()) % 8)
before = time.monotonic()
time.sleep(0.02)
print(time.monotonic() - before, time.time())
async def main():
    try:
        await asyncio.wait_for(asyncio.sleep(30), 0.02)
    except TimeoutError:
        print('timed out at', time.monotonic())
asyncio.run(main())
import interpreters
receive, send = interpreters.create_channel()
try:
    receive.recv(timeout=0.02)
except Exception as error:
    print(type(error).__name__, time.monotonic())
child = interpreters.create()
child.run('import random, time; print(random.random(), time.time())')
other = interpreters.create()
other.run('import random; print(random.random())')
