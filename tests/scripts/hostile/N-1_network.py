#: row N-1
#: attack It tries to use the network in every way without a grant.
#: outcome DENY
#: audit creating a TCP socket
#: audit creating a TCP socket
#: audit creating a TCP socket
#: audit creating a UDP socket
#: audit looking up "localhost"
#: audit looking up "example.com"
#: audit creating a TCP socket
#: audit creating a TCP socket
#: stdout socket PermissionError
#: stdout bound PermissionError
#: stdout http PermissionError
#: stdout udp PermissionError
#: stdout localhost PermissionError
#: stdout name PermissionError
#: stdout literal fine
#: stdout asyncio PermissionError
#: stdout listen PermissionError
import asyncio
import socket
import urllib.request


def bound():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))


def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b'x', ('127.0.0.1', 9))


attempts = {
    'socket': lambda: socket.create_connection(('127.0.0.1', 9), timeout=1),
    'bound': bound,
    'http': lambda: urllib.request.urlopen('http://127.0.0.1:9/', timeout=1),
    'udp': udp,
    'localhost': lambda: socket.getaddrinfo('localhost', 80),
    'name': lambda: socket.getaddrinfo('example.com', 80),
    # The name is its own, so no lookup is needed.
    'literal': lambda: socket.getaddrinfo('192.0.2.1', 80),
    'asyncio': lambda: asyncio.run(asyncio.open_connection('127.0.0.1', 9)),
    'listen': lambda: socket.create_server(('127.0.0.1', 0)),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name, 'fine')
    except OSError as error:
        print(name, type(getattr(error, 'reason', error)).__name__)
