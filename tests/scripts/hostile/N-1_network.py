#: stdout 2 refused
import socket
import urllib.request

refused = 0
for attempt in (
    lambda: socket.create_connection(('127.0.0.1', 9), timeout=1),
    lambda: urllib.request.urlopen('http://127.0.0.1:9/', timeout=1),
):
    try:
        attempt()
    except OSError:
        refused += 1
print(refused, 'refused')
