#: stdout OSError True
#: stdout OSError True
#: stdout again
import archipel

child = archipel.create(limits={"handles": 64})
child.exec("""
import os

opened = []
try:
    while True:
        opened.append(os.open(f"/tmp/{len(opened)}", os.O_RDWR | os.O_CREAT))
except OSError as error:
    print(type(error).__name__, 20 < len(opened) < 150)
try:
    os.listdir("/tmp")
except OSError as error:
    print(type(error).__name__, True)
for fd in opened[:8]:
    os.close(fd)
with open("/tmp/0", "w+") as file:
    file.write("again")
    file.seek(0)
    print(file.read())
""")
