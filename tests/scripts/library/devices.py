#: stdout b'' 4 b''
#: stdout '' 6
#: stdout True False False
#: stdout 3 b''
#: stdout FileNotFoundError FileExistsError
#: stdout b'' 5
#: stdout ok
#: stdout one
#: stdout two
#: stdout three
#: stdout PermissionError
#: stderr-has four
# The devices are the host program's own, so they reveal nothing of the system.
import logging
import os
import stat

with open(os.devnull, 'r+b', buffering=0) as null:
    print(null.read(), null.write(b'gone'), null.read(10))
with open('/dev/null') as null:
    text = null.read()
with open('/dev/null', 'a') as null:
    print(repr(text), null.write('gone\n\n'))
found = os.stat('/dev/null')
print(stat.S_ISCHR(found.st_mode), bool(found.st_size), bool(found.st_mtime))
descriptor = os.open('/dev/null', os.O_RDWR)
print(os.write(descriptor, b'abc'), os.read(descriptor, 10))
outcomes = []
for path, flags in [('/dev/null/x', os.O_RDONLY), ('/dev/null', os.O_CREAT | os.O_EXCL | os.O_WRONLY)]:
    try:
        os.open(path, flags)
    except OSError as error:
        outcomes.append(type(error).__name__)
print(*outcomes)
copy = os.dup(descriptor)
os.close(descriptor)
print(os.read(copy, 1), os.write(copy, bytes(5)))
logging.basicConfig(filename=os.devnull)
logging.warning('nobody reads this')
print('ok')

# Duplicates of the standard streams write to them, too.
print('one', flush=True)
copy = os.dup(1)
os.write(copy, b'two\n')
os.close(copy)
with open('/dev/stdout', 'w') as stream:
    stream.write('three\n')
try:
    open('/dev/stdout')
except OSError as error:
    print(type(error).__name__)
with os.fdopen(os.dup(2), 'w') as stream:
    stream.write('four\n')
