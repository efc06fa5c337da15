#: stdout b'HELLO\n' b'WORLD\n' b'AGAIN' b''
#: stdout ConnectionRefusedError True
#: stdout True
#: stdout timeout, cancelled, b'STILL'
#: stdout Separator is found, but chunk is longer than limit
#: stdout b'ABC' 10
#: stdout True
#: stdout ConnectionResetError True
#: stdout stalled True
#: stdout ['made', b'PROTO', 'eof', None] True
#: stdout 100000 100000
"""Streams and protocols."""

import asyncio
import errno
import io
import sys
import time

HOST = "127.0.0.1"
ECHO, RESET, STALL, DEAD = map(int, sys.argv[1:])


def open_connection(port, **keywords):
    return asyncio.open_connection(HOST, port, **keywords)


async def echo():
    reader, writer = await open_connection(ECHO)
    writer.write(b"hello\nworld\nagain")
    await writer.drain()
    got = [await reader.readline(), await reader.readexactly(6), await reader.read(5)]
    writer.write_eof()
    print(*got, await reader.read())
    writer.close()
    await writer.wait_closed()


async def refused():
    try:
        await open_connection(DEAD)
    except OSError as error:
        print(type(error).__name__, error.errno == errno.ECONNREFUSED)


async def many():
    async def one(n):
        reader, writer = await open_connection(ECHO)
        writer.write(b"x%d\n" % n)
        got = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return got

    got = await asyncio.gather(*map(one, range(100)))
    print(got == [b"X%d\n" % n for n in range(100)])


async def given_up():
    reader, writer = await open_connection(ECHO)
    try:
        await asyncio.wait_for(reader.read(10), 0.02)
    except TimeoutError:
        print("timeout", end=", ")
    task = asyncio.create_task(reader.read(1))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled", end=", ")
    writer.write(b"still")
    print(await reader.read(10))
    writer.close()


async def limits():
    reader, writer = await open_connection(ECHO, limit=64)
    writer.write(b"a" * 100 + b"\n")
    try:
        await reader.readline()
    except ValueError as error:
        print(error)
    writer.close()
    reader, writer = await open_connection(ECHO)
    writer.write(b"abc")
    writer.write_eof()
    try:
        await reader.readexactly(10)
    except asyncio.IncompleteReadError as error:
        print(error.partial, error.expected)
    writer.close()


async def much():
    reader, writer = await open_connection(ECHO)
    data = bytes(range(97, 123)) * 100_000

    async def put():
        for start in range(0, len(data), 1 << 16):
            writer.write(data[start : start + (1 << 16)])
            await writer.drain()
        writer.write_eof()

    _, got = await asyncio.gather(put(), reader.read())
    print(got == data.upper())
    writer.close()


async def reset():
    reader, writer = await open_connection(RESET)
    writer.write(b"x")
    try:
        await reader.read(1)
    except OSError as error:
        print(type(error).__name__, error.errno == errno.ECONNRESET)
    writer.close()


async def stalled():
    _, writer = await open_connection(STALL)

    async def fill():
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    try:
        await asyncio.wait_for(fill(), 0.1)
    except TimeoutError:
        print("stalled", end=" ")
    begun = time.monotonic()
    writer.transport.abort()
    await writer.wait_closed()
    print(time.monotonic() - begun < 10)


class Protocol(asyncio.Protocol):
    def __init__(self):
        self.done = asyncio.get_running_loop().create_future()
        self.log = []

    def connection_made(self, transport):
        self.transport = transport
        self.log.append("made")
        transport.write(b"proto")

    def data_received(self, data):
        self.log.append(data)
        self.transport.write_eof()

    def eof_received(self):
        self.log.append("eof")

    def connection_lost(self, error):
        self.log.append(error)
        self.done.set_result(None)


async def protocols():
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(Protocol, HOST, ECHO)
    await protocol.done
    print(protocol.log, transport.get_extra_info("peername") == (HOST, ECHO))


async def files():
    loop = asyncio.get_running_loop()
    reader, writer = await open_connection(ECHO)
    sent = await loop.sendfile(writer.transport, io.BytesIO(b"f" * 100_000))
    writer.write_eof()
    print(sent, len(await reader.read()))
    writer.close()


for part in (
    echo, refused, many, given_up, limits, much, reset, stalled, protocols, files,
):  # fmt: skip
    asyncio.run(part())
