import asyncio, http.client, socket, urllib.request
def attempt(call):
    try:
        call()
    except OSError as error:
        return type(getattr(error, 'reason', error)).__name__
    except Exception as error:
        return type(error).__name__
    return 'done'
def datagram(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((host, port))
        sender.send(b'x')
def connect(host, port):
    socket.create_connection((host, port), timeout=10).close()
