#: row M-5
#: attack It unpacks a few kilobytes that expand to gigabytes.
#: outcome RAISE(MemoryError)
#: memory 128MiB
#: stdout zlib MemoryError
#: stdout gzip MemoryError
#: stdout zip MemoryError
#: stdout usable
import gzip
import io
import zipfile
import zlib

squeezed = zlib.compressobj(9, wbits=31)
block = bytes(1 << 20)
bomb = b''.join(squeezed.compress(block) for _ in range(300)) + squeezed.flush()
archive = io.BytesIO()
with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as packed:
    with packed.open('bomb', 'w') as file:
        for _ in range(300):
            file.write(block)
attempts = {
    'zlib': lambda: zlib.decompress(bomb, 31),
    'gzip': lambda: gzip.decompress(bomb),
    'zip': lambda: zipfile.ZipFile(archive).read('bomb'),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except MemoryError:
        print(name, 'MemoryError')
print('usable')
