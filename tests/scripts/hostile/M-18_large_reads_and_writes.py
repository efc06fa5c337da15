#: row M-18
#: attack It reads and writes sparse gigabytes, with sizes that fit into no memory.
#: outcome RAISE(MemoryError)
#: memory 128MiB
#: dir rw /data
#: stdout MemoryError
#: stdout short
#: stdout written
import os

fd = os.open('/data/sparse', os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 40)
try:
    os.read(fd, 1 << 30)
except MemoryError:
    print('MemoryError')
for n in range(20):
    part = os.read(fd, 20 << 20)
    assert 0 < len(part) <= 20 << 20
    assert os.pread(fd, 1 << 20, (1 << 39) + n)
print('short')
zeros = bytes(20 << 20)
for n in range(5):
    assert os.write(fd, zeros) == len(zeros)
    os.lseek(fd, 0, os.SEEK_SET)
print('written')
