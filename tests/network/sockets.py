#: stdout TimeoutError('timed out')
#: stdout b'BLO' b'CKING' b'X' b''
#: stdout True ConnectionRefusedError
#: stdout ConnectionResetError OSError True
#: stdout timed out
#: stdout ([], [], []) True b'Q' ([], [], [])
#: stdout SelectSelector [] data 1 b'Q' []
#: stdout PollSelector [] data 1 b'Q' []
#: stdout b'LATE'
#: stdout inner b'B', outer b'A'
#: stdout b'RAW' 4 b'INTO' b'READ' [2]
#: stdout SelectSelector b'OWN', PollSelector b'OWN', DefaultSelector b'OWN'
#: stdout bad descriptor
"""Sockets that block, selectors, and what the loop does with sockets."""

import asyncio
import errno
import select
import selectors
import socket
import sys
import threading
import time

HOST = "127.0.0.1"
ECHO, RESET, STALL, DEAD = map(int, sys.argv[1:])


def connection(port, **keywords):
    return socket.create_connection((HOST, port), **keywords)


sock = connection(ECHO, timeout=0.02)
try:
    sock.recv(1)
except TimeoutError as error:
    print(repr(error))
sock.settimeout(10)
sock.sendall(b"blocking")
first = sock.recv(3)
rest = b""
while len(rest) < 5:
    rest += sock.recv(100)
sock.settimeout(None)
sock.sendall(b"x")
with sock.makefile("rb") as file:
    byte = file.read(1)
    sock.shutdown(socket.SHUT_WR)
    print(first, rest, byte, file.read())
sock.close()

with socket.socket() as sock:
    code = sock.connect_ex((HOST, DEAD))
try:
    connection(DEAD)
except OSError as error:
    print(code == errno.ECONNREFUSED, type(error).__name__)

sock = connection(RESET)
sock.sendall(b"x")
try:
    sock.recv(1)
except OSError as error:
    print(type(error).__name__, end=" ")
try:
    sock.getpeername()
except OSError as error:
    print(type(error).__name__, error.errno == errno.ENOTCONN)
# Its finalizer looks at its addresses, too.
del sock

with connection(STALL, timeout=0.1) as sock:
    try:
        sock.sendall(b"x" * (16 << 20))
    except TimeoutError as error:
        print(error)

with connection(ECHO) as sock:
    before = select.select([sock], [], [], 0.01)
    sock.send(b"q")
    readable, _, _ = select.select([sock], [], [], 10)
    print(before, readable == [sock], sock.recv(100), select.select([sock], [], [], 0))

for kind in selectors.SelectSelector, selectors.PollSelector:
    with kind() as selector, connection(ECHO) as sock:
        selector.register(sock, selectors.EVENT_READ, "data")
        before = selector.select(0.01)
        sock.send(b"q")
        [(key, events)] = selector.select(10)
        print(kind.__name__, before, key.data, events, sock.recv(9), selector.select(0))

with connection(ECHO) as sock:
    thread = threading.Thread(target=lambda: sock.send(b"late"))
    thread.start()
    print(sock.recv(100))
    thread.join()

with connection(ECHO) as outer, connection(ECHO) as inner:

    def within():
        inner.send(b"b")
        print("inner", inner.recv(1), end=", ")
        outer.send(b"a")
        time.sleep(0.01)

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    print("outer", outer.recv(1))


async def raw():
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (HOST, ECHO))
        await loop.sock_sendall(sock, b"raw")
        got = await loop.sock_recv(sock, 100)
        await loop.sock_sendall(sock, b"into")
        buffer = bytearray(4)
        count = await loop.sock_recv_into(sock, buffer)
        writable, readable = loop.create_future(), loop.create_future()
        loop.add_writer(sock, lambda: writable.done() or writable.set_result(2))
        written = [await writable]
        loop.remove_writer(sock)
        loop.add_reader(sock, lambda: readable.set_result(sock.recv(9)))
        sock.send(b"read")
        print(got, count, bytes(buffer), await readable, written)
        loop.remove_reader(sock)


asyncio.run(raw())


async def own():
    reader, writer = await asyncio.open_connection(HOST, ECHO)
    writer.write(b"own")
    got = await reader.read(100)
    writer.close()
    await writer.wait_closed()
    return got


found = []
for name in "SelectSelector", "PollSelector", "DefaultSelector":
    selector = getattr(selectors, name)()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        found.append(f"{name} {runner.run(own())}")
print(*found, sep=", ")


async def closed():
    """A loop goes on when a socket is closed of which it was to tell."""
    loop = asyncio.get_running_loop()
    sock = connection(STALL)
    loop.add_reader(sock, lambda: print("it can be read"))
    number = sock.fileno()
    sock.close()
    await asyncio.sleep(0.01)
    loop.remove_reader(number)
    try:
        select.select([number], [], [], 0)
    except OSError as error:
        print("bad descriptor" if error.errno == errno.EBADF else error)


asyncio.run(closed())
