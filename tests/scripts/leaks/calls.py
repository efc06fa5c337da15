#: memory 140MiB
#: stdout argument
#: stdout result
#: stdout both ways by pickle
#: stdout prepare_main
#: stdout exec
#: stdout pool
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor

MEGABYTE = bytes(1 << 20)
TIMES = 150

# If a copy of an argument or a result were kept here or there, each of these would exceed a limit.
child = interpreters.create()


def make():
    return bytes(1 << 20)


for _ in range(TIMES):
    assert child.call(len, MEGABYTE) == 1 << 20
print('argument')

for _ in range(TIMES):
    assert child.call(make) == MEGABYTE
print('result')

for _ in range(TIMES // 2):
    assert child.call(bytearray, MEGABYTE) == MEGABYTE
print('both ways by pickle')

for _ in range(TIMES):
    child.prepare_main(data=MEGABYTE)
print('prepare_main')

comment = '#' + 'x' * (1 << 20)
for _ in range(TIMES):
    child.exec(comment)
print('exec')

child.close()
with InterpreterPoolExecutor(max_workers=1) as pool:
    for _ in range(TIMES // 2):
        assert pool.submit(bytes, MEGABYTE).result() == MEGABYTE
print('pool')
