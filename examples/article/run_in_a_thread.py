#: stdout before
#: stdout after
#: stdout during
import interpreters
import threading

interp = interpreters.create()


def run():
    interp.run("print('during')")


t = threading.Thread(target=run)
print('before')
t.start()
print('after')
