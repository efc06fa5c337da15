#: stdout connecting: values or errors
#: stdout after a refused listen: values or errors
#: stdout an option is 4 bytes long
#: stdout not connected: readable
"""Calls that WASI's errors do not fit, which libc took for impossible."""

import select
import socket
import sys

HOST = "127.0.0.1"
ECHO, RESET, STALL, DEAD = map(int, sys.argv[1:])
GET = [(socket.SOL_SOCKET, socket.SO_RCVBUF), (socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_IP, socket.IP_TTL)]
SET = [(*option, value) for option in GET for value in (-1, 0, 1, 65536)]


def tried(function, *arguments):
    try:
        return function(*arguments) is not Ellipsis
    except OSError:
        return True


# The connection is usually still being made at these calls.
for port in (ECHO, STALL, DEAD) * 10:
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex((HOST, port))
    for option in GET:
        assert tried(sock.getsockopt, *option)
    for option in SET:
        assert tried(sock.setsockopt, *option)
    assert tried(sock.getsockname) and tried(sock.getpeername) and tried(sock.listen) and tried(sock.shutdown, 2)
print("connecting: values or errors")

for port in (ECHO, DEAD):
    for refused in (lambda sock: sock.listen(), lambda sock: sock.bind((HOST, 0))):
        sock = socket.socket()
        assert tried(refused, sock)
        assert tried(sock.connect, (HOST, port))
print("after a refused listen: values or errors")

sock = socket.create_connection((HOST, ECHO))
print("an option is", len(sock.getsockopt(socket.SOL_SOCKET, 66, 4)), "bytes long")
readable, _, _ = select.select([socket.socket()], [], [], 0)
print("not connected:", "readable" if readable else "not readable")
