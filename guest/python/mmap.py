"""Memory maps: anonymous ones are ordinary memory, and those of files are refused."""

import io

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)
MAP_SHARED, MAP_PRIVATE, MAP_ANON = 1, 2, 32
MAP_ANONYMOUS = MAP_ANON
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
PAGESIZE = ALLOCATIONGRANULARITY = 1 << 16
error = OSError


class mmap(io.BytesIO):
    """An anonymous map: memory of a fixed size that reads and writes like a file and a bytearray."""

    def __init__(
        self, fileno, length, flags=MAP_SHARED, prot=PROT_READ | PROT_WRITE, access=ACCESS_DEFAULT, offset=0, **options
    ):
        if fileno != -1:
            raise OSError("mmap cannot map files: an interpreter's memory is its own (read the file instead)")
        if length <= 0:
            raise ValueError("cannot mmap an empty file" if length == 0 else "memory mapped length must be positive")
        super().__init__(bytes(length))

    def __len__(self):
        return len(self.getbuffer())

    size = __len__

    def __buffer__(self, flags):
        return self.getbuffer()

    def __getitem__(self, index):
        found = self.getbuffer()[index]
        return found if isinstance(found, int) else bytes(found)

    def __setitem__(self, index, value):
        self.getbuffer()[index] = value

    def write(self, data):
        """Write `data` at the position; raises ValueError if it does not fit."""
        if self.tell() + len(data) > len(self):
            raise ValueError("data out of range")
        return super().write(data)

    def write_byte(self, byte):
        """Write one byte at the position."""
        self.write(bytes([byte]))

    def read_byte(self):
        """Return the byte at the position as a number."""
        found = self.read(1)
        if not found:
            raise ValueError("read byte out of range")
        return found[0]

    def find(self, sub, start=None, end=None):
        """Return the first index of `sub` at or after the position or `start`; -1 if there is none."""
        return self.getvalue().find(sub, self.tell() if start is None else start, end)

    def rfind(self, sub, start=None, end=None):
        """Return the last index of `sub` at or after the position or `start`; -1 if there is none."""
        return self.getvalue().rfind(sub, self.tell() if start is None else start, end)

    def move(self, dest, src, count):
        """Copy `count` bytes from `src` to `dest`."""
        if min(dest, src, count) < 0 or max(dest, src) + count > len(self):
            raise ValueError("source, destination, or count out of range")
        self[dest : dest + count] = self[src : src + count]

    def flush(self, *range):
        """Do nothing: there is no file."""

    def resize(self, newsize):
        """Raise SystemError, as systems do that cannot resize maps."""
        raise SystemError("mmap: resizing not available--no mremap()")

    def truncate(self, size=None):
        """Raise SystemError, as `resize` does."""
        self.resize(size)
