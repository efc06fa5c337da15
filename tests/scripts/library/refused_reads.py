#: stdout pread: 0 of 4500 neighbours changed, {'Bad file descriptor'}
#: stdout read: 0 of 4500 neighbours changed, {'Bad file descriptor'}
# libc's `pread` copied a result that a refused read does not have, over whatever lies behind the buffer.
import os
import tempfile


def neighbours_after(read):
    errors = set()
    changed = total = 0
    for size in (10, 100, 1000):
        blocks = [bytes([7]) * size for _ in range(2000)]
        # Buffers of this size fill the gaps.
        del blocks[1::4]
        for _ in range(500):
            try:
                read(size)
            except OSError as error:
                errors.add(error.strerror)
        changed += sum(block != bytes([7]) * size for block in blocks)
        total += len(blocks)
    return f'{changed} of {total} neighbours changed, {errors}'


with tempfile.NamedTemporaryFile() as file:
    fd = os.open(file.name, os.O_WRONLY)
    print('pread:', neighbours_after(lambda size: os.pread(fd, size, 0)))
    print('read:', neighbours_after(lambda size: os.read(fd, size)))
    os.close(fd)
