import http.client, socket
def fetch(host, port):
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request('GET', '/')
    return connection.getresponse().read()
def connect(host, port):
    with socket.create_connection((host, port), timeout=10):
        pass
def listen():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
def listen_unbound():
    with socket.socket() as server:
        server.listen()
def datagram(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b'x', ('127.0.0.1', port))
