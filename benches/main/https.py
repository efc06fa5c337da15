"""Measures HTTPS with a server on this machine: one line for each figure, in nanoseconds."""

import asyncio
import http.client
import ssl
import sys
import time

PORT, QUICK, AUTHORITY = int(sys.argv[1]), sys.argv[2] == "quick", sys.argv[3]
BULK = (10 if QUICK else 100) << 20
context = ssl.create_default_context(cadata=AUTHORITY)
buffer = bytearray(1 << 20)


def connect():
    return http.client.HTTPSConnection("localhost", PORT, context=context)


def get(connection, size):
    connection.request("GET", f"/{size}")
    response = connection.getresponse()
    received = 0
    while count := response.readinto(buffer):
        received += count
    assert received == size


def request():
    connection = connect()
    get(connection, 100)
    connection.close()


def median(rounds, function, *arguments):
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        function(*arguments)
        times.append(time.perf_counter_ns() - start)
    return sorted(times)[rounds // 2]


async def one(count):
    async def fetch():
        reader, writer = await asyncio.open_connection("localhost", PORT, ssl=context)
        writer.write(b"GET /100 HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(100)
        writer.close()

    await asyncio.gather(*(fetch() for _ in range(count)))


print("request", median(5 if QUICK else 100, request))
kept = connect()
print("kept", median(5 if QUICK else 300, get, kept, 100))
print("bulk", median(1 if QUICK else 3, get, kept, BULK) * (1 << 20) // BULK)
together = 20 if QUICK else 100
print("together", median(1 if QUICK else 5, lambda: asyncio.run(one(together))) // together)
