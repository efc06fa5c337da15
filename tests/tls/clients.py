#: stdout urllib 200 10
#: stdout redirected to nothing: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1130)>
#: stdout http.client 16777216 True
#: stdout kept alive [3, 2, 1]
#: stdout asyncio b'HELLO' TLSv1.3
#: stdout start_tls b'LATER'
#: stdout a hundred at once: 100
#: stdout in memory b'BIO'
#: stdout unwrapped True
#: stdout polled b'POLLED'
#: stdout makefile b'LINE\n'
#: stdout client certificate b'KNOWN'
#: stdout ragged b'part' b''
#: stdout ragged and strict: UNEXPECTED_EOF_WHILE_READING
#: stdout timeout: TimeoutError
#: stdout timeout in the handshake: TimeoutError
#: stdout wide writes True
"""The clients of the standard library, and all ways to use a session."""

import asyncio
import http.client
import os
import select
import socket
import ssl
import sys
import urllib.error
import urllib.request

*items, authority = sys.argv[1:]
ports = dict(item.split("=", 1) for item in items)
context = ssl.create_default_context(cadata=authority)


def url(name, path):
    return f"https://localhost:{ports[name]}/{path}"


with urllib.request.urlopen(url("http", 10), context=context) as response:
    print("urllib", response.status, len(response.read()))
try:
    urllib.request.urlopen(url("expired", 10), context=context)
except urllib.error.URLError as error:
    print("redirected to nothing:", error)

connection = http.client.HTTPSConnection("localhost", int(ports["http"]), context=context)
connection.request("GET", "/16777216")
body = connection.getresponse().read()
print("http.client", len(body), body == b"x" * len(body))
sizes = []
for size in (3, 2, 1):
    connection.request("GET", f"/{size}")
    sizes.append(len(connection.getresponse().read()))
print("kept alive", sizes)
connection.close()


def connect(name, context=context, **options):
    s = socket.create_connection(("localhost", int(ports[name])))
    return context.wrap_socket(s, server_hostname="localhost", **options)


async def streams():
    reader, writer = await asyncio.open_connection("localhost", int(ports["good"]), ssl=context)
    writer.write(b"hello")
    data = await reader.readexactly(5)
    print("asyncio", data, writer.get_extra_info("ssl_object").version())
    writer.close()
    await writer.wait_closed()

    reader, writer = await asyncio.open_connection("localhost", int(ports["good"]))
    await writer.start_tls(context, server_hostname="localhost")
    writer.write(b"later")
    print("start_tls", await reader.readexactly(5))
    writer.close()

    async def one(n):
        reader, writer = await asyncio.open_connection("localhost", int(ports["good"]), ssl=context)
        writer.write(b"%03d" % n)
        got = await reader.readexactly(3)
        writer.close()
        return int(got)

    got = await asyncio.gather(*map(one, range(100)))
    print("a hundred at once:", len(set(got)))


asyncio.run(streams())

# The records go through memory.
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
carrier = socket.create_connection(("localhost", int(ports["good"])))


def carry(operation, *arguments):
    while True:
        try:
            result = operation(*arguments)
        except ssl.SSLWantReadError:
            result = None
        if outgoing.pending:
            carrier.sendall(outgoing.read())
        if result is not None or operation == session.do_handshake and session.version():
            return result
        if not (records := carrier.recv(100)):
            incoming.write_eof()
        incoming.write(records)


carry(session.do_handshake)
carry(session.write, b"bio")
print("in memory", carry(session.read, 10))
carrier.close()

s = connect("good")
s.sendall(b"x")
s.recv(1)
plain = s.unwrap()
print("unwrapped", plain is s)
plain.close()

# Without blocking.
s = socket.create_connection(("localhost", int(ports["good"])))
s.setblocking(False)
s = context.wrap_socket(s, server_hostname="localhost", do_handshake_on_connect=False)


def until(operation, *arguments):
    while True:
        try:
            return operation(*arguments)
        except ssl.SSLWantReadError:
            select.select([s], [], [], 60)
        except ssl.SSLWantWriteError:
            select.select([], [s], [], 60)


until(s.do_handshake)
until(s.send, b"polled")
print("polled", until(s.recv, 100))
s.close()

with connect("good") as s, s.makefile("rwb") as file:
    file.write(b"line\n")
    file.flush()
    print("makefile", file.readline())

os.makedirs("/tmp", exist_ok=True)
with open("/tmp/client.pem", "w") as file:
    file.write(ports["client-file"])
known = ssl.create_default_context(cadata=authority)
known.load_cert_chain("/tmp/client.pem")
with connect("client", known) as s:
    s.sendall(b"known")
    print("client certificate", s.recv(10))

with connect("ragged") as s:
    s.sendall(b"x")
    print("ragged", s.recv(10), s.recv(10))
with connect("ragged", suppress_ragged_eofs=False) as s:
    s.sendall(b"x")
    s.recv(10)
    try:
        s.recv(10)
    except ssl.SSLEOFError as error:
        print("ragged and strict:", error.reason)

with connect("good") as s:
    s.settimeout(0.05)
    try:
        s.recv(1)
    except TimeoutError as error:
        print("timeout:", type(error).__name__)
try:
    s = socket.create_connection(("localhost", int(ports["stall"])), timeout=0.05)
    context.wrap_socket(s, server_hostname="localhost")
except TimeoutError as error:
    print("timeout in the handshake:", type(error).__name__)

with connect("good") as s:
    data = bytes(range(97, 123)) * 20_000
    got = b""
    for at in range(0, len(data), 100_000):
        s.sendall(memoryview(data)[at : at + 100_000])
        while len(got) < min(at + 100_000, len(data)):
            got += s.recv(1 << 20)
    print("wide writes", got == data.upper())
