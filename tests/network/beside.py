#: stdout [[0, 1, 2], [b'A', b'A', b'A']]
#: stdout from a child, False, b'Z'
#: stdout ('127.0.0.1', True)
#: stdout NotImplementedError: an interpreter cannot start processes (archipel.create() creates another interpreter)
#: stdout NotImplementedError: an interpreter cannot start processes (archipel.create() creates another interpreter)
#: stdout NotImplementedError: an interpreter has no Unix sockets (connect by TCP, or use a channel)
#: stdout NotImplementedError: an interpreter has no Unix sockets (connect by TCP, or use a channel)
#: stdout NotImplementedError: an interpreter cannot use UDP: no policy grants it
#: stdout NotImplementedError: an interpreter has no pipes (use a channel)
#: stdout NotImplementedError: an interpreter has no pipes (use a channel)
#: stdout PermissionError: [Errno 2] an interpreter cannot listen for connections: no policy grants it
#: stdout NotImplementedError: an interpreter cannot handle signals: no signals reach it
#: stdout DeadlockError
"""Sockets and all else that a loop waits for, and what there is not."""

import asyncio
import socket
import sys

from archipel import channel, spawn
from interpreters import DeadlockError

HOST = "127.0.0.1"
ECHO, RESET, STALL, DEAD = map(int, sys.argv[1:])


async def both():
    recv, send = channel()
    reader, writer = await asyncio.open_connection(HOST, ECHO)

    async def channels():
        return [await recv.recv_async() for _ in range(3)]

    async def sockets():
        got = []
        for n in range(3):
            writer.write(b"a")
            got.append(await reader.read(5))
            await send.send_async(n)
        return got

    print(await asyncio.gather(channels(), sockets()))
    writer.close()


asyncio.run(both())


def child(send):
    send.send("from a child")


async def with_child():
    reader, writer = await asyncio.open_connection(HOST, ECHO)
    recv, send = channel()
    silent = asyncio.create_task(reader.read(1))
    await asyncio.sleep(0)
    task = spawn(child, send)
    got = await recv.recv_async()
    done = silent.done()
    writer.write(b"z")
    print(got, done, await silent, sep=", ")
    await task
    writer.close()


asyncio.run(with_child())


async def names():
    loop = asyncio.get_running_loop()
    lookups = [loop.getaddrinfo("localhost", port, type=socket.SOCK_STREAM) for port in range(40)]
    found = await asyncio.gather(*lookups)
    # More than are looked up at a time.
    absent = [loop.getaddrinfo(f"host{n}.invalid", 80) for n in range(50)]
    errors = await asyncio.gather(*absent, return_exceptions=True)
    assert all(isinstance(error, socket.gaierror) for error in errors), errors
    reader, writer = await asyncio.open_connection("localhost", ECHO)
    print((writer.get_extra_info("peername")[0], all(found)))
    writer.close()


asyncio.run(names())


async def missing():
    loop = asyncio.get_running_loop()
    for call in (
        lambda: asyncio.create_subprocess_exec("ls"),
        lambda: asyncio.create_subprocess_shell("ls"),
        lambda: asyncio.open_unix_connection("/x"),
        lambda: loop.create_unix_server(asyncio.Protocol, "/x"),
        lambda: loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(HOST, 0)),
        lambda: loop.connect_read_pipe(asyncio.Protocol, sys.stdin),
        lambda: loop.connect_write_pipe(asyncio.Protocol, sys.stdout),
        lambda: asyncio.start_server(print, HOST, 0),
    ):
        try:
            await call()
        except (NotImplementedError, OSError) as error:
            print(f"{type(error).__name__}: {error}")
    try:
        loop.add_signal_handler(2, print)
    except NotImplementedError as error:
        print(f"{type(error).__name__}: {error}")


asyncio.run(missing())


async def for_ever():
    recv, send = channel()
    _, writer = await asyncio.open_connection(HOST, STALL)
    writer.close()
    await writer.wait_closed()
    await recv.recv_async()


# Where there is no socket any more, a wait that nobody can end is noticed.
try:
    asyncio.run(for_ever())
except DeadlockError as error:
    print(type(error).__name__)
