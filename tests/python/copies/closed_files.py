import errno

def failing(act):
    try:
        result = act()
    except (OSError, ValueError) as error:
        return type(error).__name__
    raise AssertionError(f"{result!r} was returned")

checked = 0
for number in (fd, reader.fileno()):
    acts = [
        lambda: os.write(number, b"x"), lambda: os.read(number, 1), lambda: os.lseek(number, 0, 0),
        lambda: os.pread(number, 1, 0), lambda: os.pwrite(number, b"x", 0),
        lambda: os.fsync(number), lambda: os.fdatasync(number), lambda: os.ftruncate(number, 0),
        lambda: os.listdir(number), lambda: os.scandir(number), lambda: os.utime(number),
        lambda: os.get_blocking(number), lambda: os.set_blocking(number, False),
        lambda: os.readv(number, [bytearray(1)]), lambda: os.writev(number, [b"x"]),
        lambda: os.posix_fadvise(number, 0, 0, 0), lambda: os.posix_fallocate(number, 0, 1),
        lambda: os.open("raw", os.O_RDONLY, dir_fd=number), lambda: os.fstat(number),
        lambda: os.stat("raw", dir_fd=number), lambda: os.fchmod(number, 0o600),
        lambda: os.mkdir("x", dir_fd=number), lambda: os.unlink("x", dir_fd=number),
        lambda: os.link("x", "y", src_dir_fd=number), lambda: os.rename("x", "y", src_dir_fd=number),
        lambda: os.symlink("x", "y", dir_fd=number), lambda: os.readlink("x", dir_fd=number),
        lambda: os.fdopen(number, closefd=False).read(1),
        lambda: select.select([number], [number], [], 0),
    ]
    for act in acts:
        try:
            failing(act)
        except (AttributeError, NotImplementedError, TypeError):
            # The guest does not have this function.
            continue
        checked += 1
    assert os.isatty(number) is False
    for act in acts[:2] + [lambda: os.fstat(number)]:
        try:
            act()
        except OSError as error:
            assert error.errno == errno.EBADF, error
        else:
            raise AssertionError("the file is open")
assert checked > 40, checked
assert failing(reader.read) == "OSError"
new = open("/data/new", "w")
assert new.fileno() not in (fd, file.fileno(), reader.fileno()), new.fileno()
new.write("new")
new.close()
assert open("/data/new").read() == "new" and open("/data/raw").read() == "raw"
# The objects can be closed. One of them has output that it cannot write.
assert failing(file.close) == "OSError"
reader.close()
os.close(fd)
assert failing(lambda: os.close(fd)) == "OSError"
# Standard output is still open.
print("written", flush=True)
again = open("/data/read")
assert again.read() == "to be read"
