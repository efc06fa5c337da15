import threading
thread = threading.Thread(target=inbox.recv)
thread.start()
ready.send(1)
thread.join()
