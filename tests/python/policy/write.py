import os
def write(name, n, mode='wb', at=None):
    with open('/data/' + name, mode, buffering=0) as file:
        if at is not None:
            file.seek(at)
        while n:
            n -= file.write(bytes(n))
def truncate(name, size):
    with open('/data/' + name, 'ab') as file:
        file.truncate(size)
