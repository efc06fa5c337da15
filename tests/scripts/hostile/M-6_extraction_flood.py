#: row M-6
#: attack It unpacks an archive into a granted directory until the quota is exceeded.
#: outcome RAISE(ENOSPC)
#: dir rw /data 64KiB
#: stdout ENOSPC
#: stdout True
import errno
import io
import os
import tarfile

archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode='w:gz') as packed:
    for n in range(50):
        member = tarfile.TarInfo(f'{n}.bin')
        member.size = 4096
        packed.addfile(member, io.BytesIO(bytes(4096)))
archive.seek(0)
try:
    tarfile.open(fileobj=archive).extractall('/data', filter='data')
except OSError as error:
    print(errno.errorcode[error.errno])
print(sum(os.path.getsize(f'/data/{name}') for name in os.listdir('/data') if name.endswith('.bin')) <= 64 << 10)
