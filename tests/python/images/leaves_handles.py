import threading

kept = open("/0/kept", "w")
thread = threading.Thread(target=print, name="kept")
thread.start()
