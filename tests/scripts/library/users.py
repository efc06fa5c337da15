#: stdout 0 0 0 0
#: stdout True
#: stdout PermissionError
#: stdout ['a.txt']
# All files belong to user 0, whatever the user of the host is.
import io
import os
import tarfile

print(os.getuid(), os.geteuid(), os.getgid(), os.getegid())
os.chdir('/tmp')
with open('a.txt', 'w'):
    pass
found = os.stat('a.txt')
print((found.st_uid, found.st_gid) == (os.getuid(), os.getgid()))
os.chown('a.txt', 0, -1)
try:
    os.lchown('a.txt', 1000, 0)
except OSError as error:
    print(type(error).__name__)
data = io.BytesIO()
with tarfile.open(fileobj=data, mode='w') as archive:
    archive.add('a.txt')
data.seek(0)
os.mkdir('new')
with tarfile.open(fileobj=data) as archive:
    archive.extractall('new', filter='fully_trusted')
print(os.listdir('new'))
