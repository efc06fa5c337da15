#: stdout before
#: stdout after
#: stdout during
import interpreters
import textwrap as tw
import threading

interp = interpreters.create()
r, s = interpreters.create_channel()


def run():
    interp.run(tw.dedent("""
        reader.recv()
        print("during")
        """),
        channels=dict(reader=r))


t = threading.Thread(target=run)
print('before')
t.start()
print('after')
s.send(b'')
t.join()
