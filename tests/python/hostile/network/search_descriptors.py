import os, socket
found = []
for fd in range(200):
    try:
        socket.socket(fileno=fd).getsockname()
        found.append(fd)
    except OSError:
        pass
opened = []
for fd in range(3, 200):
    try:
        os.fstat(fd)
        opened.append(fd)
    except OSError:
        pass
