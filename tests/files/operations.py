"""File operations, each in an empty folder of its own, which run once natively and once in a guest.

`python3 operations.py FOLDER` prints a line for each: its name and its result.  The two results are equal, except
for operations decorated with `differs`, which has the reason; docs/files.md lists those.
"""

import errno
import io
import os
import shutil
import sys
import tempfile

OPERATIONS = []


def operation(function):
    OPERATIONS.append((function, None))
    return function


def differs(reason):
    def add(function):
        OPERATIONS.append((function, reason))
        return function

    return add


def failure(function, *arguments, **named):
    """Return the name of the error that a call raises, or the call's result."""
    try:
        return function(*arguments, **named)
    except OSError as error:
        return errno.errorcode.get(error.errno, error.errno)


def put(path, data=b"0123456789"):
    with open(path, "wb") as file:
        file.write(data)
    return path


def get(path):
    with open(path, "rb") as file:
        return file.read()


def opened(path, flags, mode=0o666):
    return os.open(path, flags, mode)


# Reads at the end of a file.


@operation
def read_on_after_growth_by_another(folder):
    path = put(f"{folder}/f", b"one\n")
    reader = open(path)
    first = reader.readline(), reader.readline()
    with open(path, "a") as writer:
        writer.write("two\n")
    return first, reader.readline(), reader.readline()


@operation
def read_on_after_own_growth(folder):
    with open(f"{folder}/f", "w+b", buffering=0) as file:
        file.write(b"abc")
        first = file.read()
        file.write(b"def")
        file.seek(3)
        return first, file.read(), file.read()


@operation
def read_at_the_end_many_times(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDONLY)
    return [os.read(fd, 100) for _ in range(4)], os.close(fd)


@operation
def seek_to_the_same_place_at_the_end(folder):
    path = put(f"{folder}/f")
    with open(path, "rb", buffering=0) as file:
        first = file.read(), file.read()
        with open(path, "ab") as writer:
            writer.write(b"more")
        file.seek(file.tell())
        return first, file.read()


@operation
def tail_follows_a_log(folder):
    path = put(f"{folder}/f", b"")
    seen = []
    with open(path) as reader:
        for n in range(5):
            with open(path, "a") as writer:
                writer.write(f"{n}\n")
            seen.append(reader.readline())
    return seen


@operation
def truncate_under_a_reader(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_RDONLY)
    first = os.read(fd, 4)
    os.truncate(path, 2)
    second = os.read(fd, 4)
    with open(path, "ab") as writer:
        writer.write(b"abcdef")
    return first, second, os.read(fd, 100), os.close(fd)


@operation
def truncate_to_zero_and_write_under_a_reader(folder):
    path = put(f"{folder}/f")
    with open(path, "rb", buffering=0) as reader:
        reader.read(4)
        put(path, b"xyz")
        return reader.read(), reader.seek(0), reader.read()


# Reads and writes at one position.


@operation
def write_after_read_continues_there(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_RDWR)
    first = os.read(fd, 3)
    os.write(fd, b"XY")
    rest = os.read(fd, 100)
    os.close(fd)
    return first, rest, get(path)


@operation
def read_after_write_continues_there(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDWR)
    os.write(fd, b"ab")
    return os.read(fd, 3), os.write(fd, b"cd"), os.read(fd, 3), os.close(fd)


@operation
def reads_and_writes_take_turns(folder):
    path = put(f"{folder}/f", bytes(range(100)))
    fd = opened(path, os.O_RDWR)
    seen = []
    for n in range(10):
        seen.append(os.read(fd, 5))
        os.write(fd, b"-" * 3)
    where = os.lseek(fd, 0, os.SEEK_CUR)
    os.close(fd)
    return seen, where, get(path)


@operation
def seek_between_reads_and_writes(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_RDWR)
    os.read(fd, 2)
    os.lseek(fd, 5, os.SEEK_SET)
    os.write(fd, b"A")
    os.lseek(fd, -2, os.SEEK_CUR)
    middle = os.read(fd, 2)
    os.lseek(fd, -1, os.SEEK_END)
    os.write(fd, b"ZZ")
    os.close(fd)
    return middle, get(path)


@operation
def two_descriptors_have_two_positions(folder):
    path = put(f"{folder}/f")
    one, other = opened(path, os.O_RDWR), opened(path, os.O_RDWR)
    os.write(one, b"abc")
    seen = os.read(other, 5), os.read(one, 2)
    os.close(one)
    os.close(other)
    return seen


@operation
def pread_leaves_the_position(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDONLY)
    return os.read(fd, 2), os.pread(fd, 3, 7), os.pread(fd, 3, 20), os.read(fd, 2), os.close(fd)


@operation
def pwrite_leaves_the_position(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_RDWR)
    os.read(fd, 2)
    written = os.pwrite(fd, b"XY", 8), os.pwrite(fd, b"!", 12)
    seen = os.read(fd, 3)
    os.close(fd)
    return written, seen, get(path)


@operation
def read_and_write_in_a_buffered_file(folder):
    path = put(f"{folder}/f", b"line one\nline two\nline three\n")
    with open(path, "r+b") as file:
        first = file.readline()
        where = file.tell()
        file.write(b"LINE TWO\n")
        return first, where, file.readline(), file.tell(), file.seek(0), file.read()


@operation
def text_file_for_both(folder):
    with open(f"{folder}/f", "w+") as file:
        file.write("äöü\nsecond\n")
        file.seek(0)
        first = file.readline()
        where = file.tell()
        rest = file.read()
        file.seek(where)
        file.truncate()
        return first, where, rest, os.path.getsize(f"{folder}/f")


# Appends.


@operation
def append_goes_to_the_end(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"a")
    with open(path, "ab") as other:
        other.write(b"b")
    os.write(fd, b"c")
    os.close(fd)
    return get(path)


@operation
def append_after_seek_goes_to_the_end(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_RDWR | os.O_APPEND)
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, b"a")
    os.close(fd)
    return get(path)


@operation
def read_after_append_is_at_the_end(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDWR | os.O_APPEND)
    return os.read(fd, 3), os.write(fd, b"abc"), os.read(fd, 3), os.close(fd)


@operation
def append_and_read_back(folder):
    with open(f"{folder}/f", "a+") as file:
        file.write("one\n")
        file.seek(0)
        first = file.read()
        file.write("two\n")
        file.seek(0)
        return first, file.read()


@operation
def append_after_truncate(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"a")
    os.ftruncate(fd, 2)
    os.write(fd, b"b")
    os.close(fd)
    return get(path)


@operation
def position_of_a_file_for_appending(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_RDWR | os.O_APPEND)
    where = [os.lseek(fd, 0, os.SEEK_CUR), os.read(fd, 3), os.lseek(fd, 0, os.SEEK_CUR), os.read(fd, 2)]
    os.write(fd, b"abc")
    where.append(os.lseek(fd, 0, os.SEEK_CUR))
    with open(path, "ab") as other:
        other.write(b"other")
    where.append(os.read(fd, 10))
    os.lseek(fd, 1, os.SEEK_SET)
    os.write(fd, b"d")
    where += [os.lseek(fd, 0, os.SEEK_CUR), os.lseek(fd, -2, os.SEEK_END), os.read(fd, 10)]
    os.close(fd)
    return where


@operation
def positions_of_files_for_appending(folder):
    seen = []
    for mode in ("a", "a+", "ab", "a+b"):
        data = "text" if "b" not in mode else b"text"
        with open(put(f"{folder}/{mode}"), mode) as file:
            seen.append(file.tell())
            file.write(data)
            seen.append(file.tell())
            if "+" in mode:
                file.seek(2)
                seen += [file.read(3), file.tell(), file.read()]
    return seen


# Large sizes.


@operation
def write_of_any_size_is_whole(folder):
    path = f"{folder}/f"
    fd = opened(path, os.O_WRONLY | os.O_CREAT)
    sizes = [os.write(fd, b"a" * size) for size in (0, 1, 65536, 65537, 200_000, 5 << 20)]
    os.close(fd)
    return sizes, os.path.getsize(path)


@operation
def read_of_any_size_is_whole(folder):
    path = put(f"{folder}/f", bytes(range(256)) * 20_000)
    fd = opened(path, os.O_RDONLY)
    sizes = [len(os.read(fd, size)) for size in (0, 1, 65536, 70_000, 1 << 20, 7 << 20, 1)]
    os.close(fd)
    return sizes


@operation
def large_pread_and_pwrite(folder):
    path = put(f"{folder}/f", b"")
    fd = opened(path, os.O_RDWR)
    written = os.pwrite(fd, bytes(3_000_000), 5)
    read = os.pread(fd, 4_000_000, 1)
    os.close(fd)
    return written, len(read), set(read)


@operation
def unbuffered_file_writes_all(folder):
    with open(f"{folder}/f", "wb", buffering=0) as file:
        return file.write(bytes(1_000_000)), file.tell(), os.fstat(file.fileno()).st_size


@operation
def readinto_and_readall(folder):
    path = put(f"{folder}/f", bytes(300_000))
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(100_000)
        return file.readinto(buffer), len(file.readall()), file.readinto(buffer)


@operation
def copies_of_files(folder):
    path = put(f"{folder}/f", os.urandom(700_000))
    shutil.copyfile(path, f"{folder}/g")
    return get(path) == get(f"{folder}/g")


# Sparse files and truncation.


@operation
def write_behind_the_end_leaves_zeros(folder):
    path = put(f"{folder}/f", b"ab")
    fd = opened(path, os.O_RDWR)
    os.lseek(fd, 6, os.SEEK_SET)
    os.write(fd, b"c")
    os.close(fd)
    return get(path)


@operation
def truncate_makes_larger_and_smaller(folder):
    path = put(f"{folder}/f")
    os.truncate(path, 15)
    larger = get(path)
    os.truncate(path, 3)
    return larger, get(path)


@operation
def ftruncate_leaves_the_position(folder):
    path = put(f"{folder}/f")
    fd = opened(path, os.O_RDWR)
    os.read(fd, 5)
    os.ftruncate(fd, 2)
    os.write(fd, b"x")
    os.close(fd)
    return get(path)


@operation
def very_sparse_file(folder):
    path = put(f"{folder}/f", b"")
    fd = opened(path, os.O_RDWR)
    os.lseek(fd, 5 << 30, os.SEEK_SET)
    os.write(fd, b"end")
    os.lseek(fd, (5 << 30) - 2, os.SEEK_SET)
    seen = os.read(fd, 100), os.fstat(fd).st_size
    os.close(fd)
    return seen


@operation
def seek_past_the_end_reads_nothing(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDONLY)
    return os.lseek(fd, 1000, os.SEEK_SET), os.read(fd, 10), os.close(fd)


@operation
def seek_before_the_beginning(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDONLY)
    return failure(os.lseek, fd, -1, os.SEEK_SET), failure(os.lseek, fd, -20, os.SEEK_END), os.close(fd)


# Names and links.


@operation
def exclusive_creation(folder):
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    fd = opened(f"{folder}/f", flags)
    return failure(opened, f"{folder}/f", flags), os.close(fd)


@operation
def exclusive_creation_over_a_dangling_link(folder):
    os.symlink("nowhere", f"{folder}/l")
    return failure(opened, f"{folder}/l", os.O_WRONLY | os.O_CREAT | os.O_EXCL)


@operation
def open_of_nothing(folder):
    return [failure(opened, f"{folder}/{name}", os.O_RDONLY) for name in ("f", "d/f", "f/")]


@operation
def open_through_a_file(folder):
    put(f"{folder}/f")
    return failure(opened, f"{folder}/f/g", os.O_RDONLY), failure(os.stat, f"{folder}/f/")


@operation
def long_names(folder):
    return [failure(opened, f"{folder}/{'n' * size}", os.O_RDONLY) for size in (255, 256, 5000)]


@operation
def names_of_every_kind(folder):
    names = [" ", "a b", "ä", "日本", "-rf", "*", "\n", "\\", "...", ".hidden", "n" * 255]
    for name in names:
        put(f"{folder}/{name}", name.encode())
    return sorted(os.listdir(folder)) == sorted(names), [get(f"{folder}/{name}") for name in names]


@operation
def rename_of_an_open_file(folder):
    path = put(f"{folder}/f")
    with open(path, "r+b") as file:
        os.rename(path, f"{folder}/g")
        file.write(b"new")
        file.flush()
        return get(f"{folder}/g"), os.path.exists(path)


@operation
def rename_over_an_open_file(folder):
    put(f"{folder}/f", b"old")
    put(f"{folder}/g", b"new")
    with open(f"{folder}/f", "rb") as file:
        os.replace(f"{folder}/g", f"{folder}/f")
        return file.read(), get(f"{folder}/f"), os.fstat(file.fileno()).st_nlink


@operation
def rename_to_itself_and_its_link(folder):
    put(f"{folder}/f")
    os.link(f"{folder}/f", f"{folder}/g")
    os.rename(f"{folder}/f", f"{folder}/f")
    os.rename(f"{folder}/f", f"{folder}/g")
    return sorted(os.listdir(folder))


@operation
def rename_of_folders(folder):
    os.makedirs(f"{folder}/a/b")
    os.mkdir(f"{folder}/empty")
    os.mkdir(f"{folder}/full")
    put(f"{folder}/full/f")
    put(f"{folder}/file")
    over = [failure(os.rename, f"{folder}/a", f"{folder}/{name}") for name in ("full", "file", "a/b/c", "empty")]
    return over, failure(os.rename, f"{folder}/file", f"{folder}/full"), sorted(os.listdir(folder))


@operation
def unlink_of_an_open_file(folder):
    path = put(f"{folder}/f")
    with open(path, "r+b", buffering=0) as file:
        os.unlink(path)
        file.seek(0, 2)
        file.write(b"more")
        file.seek(0)
        return file.read(), os.fstat(file.fileno()).st_nlink, os.listdir(folder)


@operation
def unlink_and_create_anew(folder):
    path = put(f"{folder}/f", b"old")
    with open(path, "rb") as file:
        os.unlink(path)
        put(path, b"new")
        return file.read(), get(path)


@operation
def unlink_of_a_folder_or_a_missing_file(folder):
    os.mkdir(f"{folder}/d")
    return failure(os.unlink, f"{folder}/d"), failure(os.unlink, f"{folder}/none")


@operation
def rmdir_of_paths_that_cannot_be_removed(folder):
    os.mkdir(f"{folder}/d")
    put(f"{folder}/d/f")
    return [failure(os.rmdir, f"{folder}/{name}") for name in ("d", "d/f", "none")]


@operation
def mkdir_of_what_exists(folder):
    put(f"{folder}/f")
    os.mkdir(f"{folder}/d")
    return [failure(os.mkdir, f"{folder}/{name}") for name in ("f", "d", "none/d", "f/d")]


@operation
def trees_are_made_and_removed(folder):
    os.makedirs(f"{folder}/a/b/c/d")
    put(f"{folder}/a/b/f")
    os.symlink("..", f"{folder}/a/b/l")
    walked = sorted((top[len(folder):], sorted(names)) for top, _, names in os.walk(folder))
    shutil.rmtree(f"{folder}/a")
    return walked, os.listdir(folder)


@operation
def hard_links(folder):
    put(f"{folder}/f")
    os.link(f"{folder}/f", f"{folder}/g")
    with open(f"{folder}/g", "ab") as file:
        file.write(b"+")
    links = os.stat(f"{folder}/f").st_nlink
    same = os.path.samefile(f"{folder}/f", f"{folder}/g")
    os.unlink(f"{folder}/f")
    return links, same, get(f"{folder}/g"), os.stat(f"{folder}/g").st_nlink


@operation
def hard_links_that_cannot_be(folder):
    put(f"{folder}/f")
    put(f"{folder}/g")
    return failure(os.link, f"{folder}/f", f"{folder}/g"), failure(os.link, f"{folder}/none", f"{folder}/h")


@operation
def symbolic_links(folder):
    put(f"{folder}/f")
    os.symlink("f", f"{folder}/l")
    os.symlink("none", f"{folder}/dangling")
    return (
        os.readlink(f"{folder}/l"),
        get(f"{folder}/l"),
        os.path.islink(f"{folder}/l"),
        os.path.exists(f"{folder}/dangling"),
        os.lstat(f"{folder}/dangling").st_size,
        failure(os.readlink, f"{folder}/f"),
        failure(opened, f"{folder}/l", os.O_RDONLY | os.O_NOFOLLOW),
    )


@operation
def creating_through_a_dangling_link(folder):
    os.symlink("target", f"{folder}/l")
    put(f"{folder}/l", b"through")
    return sorted(os.listdir(folder)), get(f"{folder}/target")


@operation
def loops_of_links(folder):
    os.symlink("b", f"{folder}/a")
    os.symlink("a", f"{folder}/b")
    return failure(os.stat, f"{folder}/a"), failure(opened, f"{folder}/a", os.O_RDONLY)


@operation
def long_chains_of_links(folder):
    put(f"{folder}/0")
    for n in range(1, 50):
        os.symlink(f"{n - 1}", f"{folder}/{n}")
    return get(f"{folder}/30"), failure(os.stat, f"{folder}/49")


@differs("A symbolic link to an absolute path cannot be created in a grant")
def absolute_links(folder):
    return failure(os.symlink, "/", f"{folder}/l")


# Directory listings.


@operation
def list_of_a_folder(folder):
    for n in range(300):
        put(f"{folder}/{n}", b"")
    with os.scandir(folder) as entries:
        kinds = {(entry.is_file(), entry.is_dir(), entry.is_symlink()) for entry in entries}
    return len(os.listdir(folder)), len(set(os.listdir(folder))), kinds


@operation
def list_of_an_empty_folder(folder):
    return os.listdir(folder), failure(os.listdir, f"{folder}/none"), failure(os.listdir, put(f"{folder}/f"))


@operation
def unlink_while_listing(folder):
    for n in range(500):
        put(f"{folder}/{n}", b"")
    seen = []
    with os.scandir(folder) as entries:
        for entry in entries:
            seen.append(entry.name)
            os.unlink(entry.path)
    return len(seen), len(set(seen)), os.listdir(folder)


@operation
def unlink_all_after_the_first_entry(folder):
    for n in range(2000):
        put(f"{folder}/{n}", b"")
    with os.scandir(folder) as entries:
        next(entries)
        for name in os.listdir(folder):
            os.unlink(f"{folder}/{name}")
        # Only entries that were read ahead may still follow.
        return all(entry.name.isdigit() for entry in entries)


@operation
def create_while_listing(folder):
    for n in range(100):
        put(f"{folder}/{n}", b"")
    seen = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(seen) < 100:
                put(f"{folder}/new{len(seen)}", b"")
            seen.append(entry.name)
    old = [name for name in seen if name.isdigit()]
    return len(old), len(set(seen)) == len(seen)


@operation
def listing_of_a_removed_folder(folder):
    os.mkdir(f"{folder}/d")
    put(f"{folder}/d/f")
    with os.scandir(f"{folder}/d") as entries:
        os.unlink(f"{folder}/d/f")
        os.rmdir(f"{folder}/d")
        return [entry.name for entry in entries]


@operation
def two_listings_at_a_time(folder):
    for n in range(200):
        put(f"{folder}/{n}", b"")
    with os.scandir(folder) as one, os.scandir(folder) as other:
        pairs = list(zip(one, other))
    return len(pairs), all(a.name == b.name for a, b in pairs)


@operation
def numbers_of_entries(folder):
    put(f"{folder}/f")
    os.mkdir(f"{folder}/d")
    with os.scandir(folder) as entries:
        return sorted((entry.name, entry.inode() == os.stat(entry.path).st_ino) for entry in entries)


@operation
def open_of_folders(folder):
    os.mkdir(f"{folder}/d")
    fd = opened(f"{folder}/d", os.O_RDONLY | os.O_DIRECTORY)
    seen = failure(os.read, fd, 10), os.close(fd)
    put(f"{folder}/f")
    return seen, failure(opened, f"{folder}/f", os.O_RDONLY | os.O_DIRECTORY)


@operation
def write_to_a_folder(folder):
    return failure(opened, folder, os.O_WRONLY), failure(open, folder, "w")


# Metadata.


@operation
def kinds_and_sizes(folder):
    path = put(f"{folder}/f")
    os.mkdir(f"{folder}/d")
    found = os.stat(path)
    with open(path) as file:
        same = os.fstat(file.fileno()).st_ino == found.st_ino
    return found.st_size, found.st_nlink, same, os.path.isdir(f"{folder}/d"), os.path.isfile(path)


@operation
def times_are_set_and_read(folder):
    path = put(f"{folder}/f")
    os.utime(path, ns=(1_500_000_000_123_456_789, 1_600_000_000_987_654_321))
    found = os.stat(path)
    return found.st_atime_ns, found.st_mtime_ns


@operation
def times_of_links_and_folders(folder):
    os.symlink("none", f"{folder}/l")
    os.mkdir(f"{folder}/d")
    os.utime(f"{folder}/l", (1, 2), follow_symlinks=False)
    os.utime(f"{folder}/d", (3, 4))
    return os.lstat(f"{folder}/l").st_mtime, os.stat(f"{folder}/d").st_mtime


@operation
def times_change_with_what_happens(folder):
    path = put(f"{folder}/f")
    os.utime(path, (1, 1))
    get(path)
    read = os.stat(path).st_mtime
    with open(path, "ab") as file:
        file.write(b"x")
    found = os.stat(path)
    return read, found.st_mtime > 1, found.st_ctime > 1


@operation
def time_of_a_change_of_name(folder):
    # The change time is later than the modification time, which is set to the past.
    path = put(f"{folder}/f")
    os.utime(path, (1, 1))
    return os.stat(path).st_ctime > 1_000_000_000


@operation
def stat_of_what_was_removed(folder):
    path = put(f"{folder}/f")
    before = os.path.exists(path)
    os.unlink(path)
    return before, os.path.exists(path), failure(os.stat, path)


@operation
def access(folder):
    path = put(f"{folder}/f")
    return os.access(path, os.F_OK), os.access(path, os.R_OK), os.access(f"{folder}/none", os.F_OK)


# Descriptors with restricted access.


@operation
def read_of_what_is_open_for_writing(folder):
    fd = opened(f"{folder}/f", os.O_WRONLY | os.O_CREAT)
    return failure(os.read, fd, 10), failure(os.pread, fd, 10, 0), os.close(fd)


@operation
def write_to_what_is_open_for_reading(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDONLY)
    return failure(os.write, fd, b"x"), failure(os.pwrite, fd, b"x", 0), failure(os.ftruncate, fd, 1), os.close(fd)


@operation
def use_after_close(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDONLY)
    os.close(fd)
    return [failure(function, fd) for function in (os.close, os.fstat)], failure(os.read, fd, 1)


@operation
def open_that_truncates(folder):
    path = put(f"{folder}/f")
    with open(path, "rb") as reader:
        os.close(opened(path, os.O_WRONLY | os.O_TRUNC))
        return reader.read(), os.path.getsize(path)


@operation
def synchronizing(folder):
    with open(f"{folder}/f", "wb") as file:
        file.write(b"x")
        file.flush()
        done = os.fsync(file.fileno())
    return done, get(f"{folder}/f")


@operation
def duplicates_share_a_position(folder):
    fd = opened(put(f"{folder}/f"), os.O_RDWR)
    other = os.dup(fd)
    read = os.read(fd, 3), os.read(other, 3), os.read(fd, 2)
    os.lseek(other, 1, os.SEEK_SET)
    read += (os.read(other, 2), os.write(other, b"xy"))
    os.close(fd)
    return read, os.pread(other, 20, 0), os.close(other), failure(os.dup, fd)


@operation
def duplicates_of_folders(folder):
    put(f"{folder}/f")
    fd = opened(folder, os.O_RDONLY | os.O_DIRECTORY)
    other = os.dup(fd)
    os.close(fd)
    listed = os.listdir(folder), os.stat("f", dir_fd=other).st_size
    return listed, os.path.samestat(os.stat(folder), os.fstat(other)), os.close(other)


@operation
def opening_without_an_access_mode(folder):
    fd = opened(f"{folder}/lock", os.O_CREAT | os.O_EXCL)
    read = os.read(fd, 10), failure(os.write, fd, b"x")
    os.close(fd)
    return read, failure(opened, f"{folder}/lock", os.O_CREAT | os.O_EXCL), failure(opened, f"{folder}/none", 0)


@operation
def changing_the_current_folder(folder):
    before = os.getcwd()
    os.makedirs(f"{folder}/a/b")
    os.chdir(f"{folder}/a/b")
    os.chdir("..")
    put("g")
    above = os.path.relpath(os.getcwd(), os.path.realpath(folder))
    os.chdir("/")
    root = os.getcwd(), os.path.isdir("/")
    os.chdir(before)
    missing = failure(os.chdir, f"{folder}/none"), failure(os.chdir, f"{folder}/a/g")
    return above, root, os.path.exists(f"{folder}/a/g"), missing, os.getcwd() == before


@differs("Permissions are the host's: they are not reported and cannot be changed")
def permissions(folder):
    path = put(f"{folder}/f")
    os.chmod(path, 0o600)
    return os.stat(path).st_mode & 0o777


@differs("The module `fcntl` does not exist")
def locks(folder):
    import fcntl

    with open(f"{folder}/f", "w") as file:
        return fcntl.flock(file, fcntl.LOCK_EX)


@differs("File names must be UTF-8")
def names_that_are_no_text(folder):
    put(folder.encode() + b"/\xff")
    return os.listdir(folder)


# Library modules that use files.


@operation
def compiled_modules(folder):
    import py_compile

    with open(f"{folder}/big.py", "w") as file:
        file.write('x = """' + "abc" * 100_000 + '"""\n')
    compiled = py_compile.compile(f"{folder}/big.py", cfile=f"{folder}/big.pyc", doraise=True)
    return os.path.basename(compiled), os.path.getsize(compiled) > 300_000


@operation
def temporary_files(folder):
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        with tempfile.NamedTemporaryFile(dir=inner) as file:
            file.write(b"text")
            file.flush()
            seen = get(file.name), len(os.listdir(inner))
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"text")
        file.seek(0)
        return seen, file.read(), os.listdir(folder)


@operation
def archives(folder):
    import zipfile

    with zipfile.ZipFile(f"{folder}/a.zip", "w") as archive:
        archive.writestr("one", b"1" * 100_000)
    with zipfile.ZipFile(f"{folder}/a.zip", "a") as archive:
        archive.writestr("two", b"2")
    with zipfile.ZipFile(f"{folder}/a.zip") as archive:
        return archive.namelist(), len(archive.read("one")), archive.testzip()


@operation
def databases_of_two_connections(folder):
    import sqlite3

    one, other = [sqlite3.connect(f"{folder}/m.db") for _ in range(2)]
    one.execute("create table t(i)")
    seen = [other.execute("select * from t").fetchall()]
    with one:
        one.execute("insert into t values (1)")
    seen.append(other.execute("select * from t").fetchall())
    with other:
        other.execute("insert into t values (2)")
    seen.append(one.execute("select * from t order by i").fetchall())
    return seen


@operation
def databases_with_other_journals(folder):
    import sqlite3

    seen = []
    for mode in ("delete", "truncate", "persist", "memory"):
        database = sqlite3.connect(f"{folder}/{mode}.db")
        seen.append(database.execute(f"pragma journal_mode={mode}").fetchall())
        with database:
            database.execute("create table t(i, b)")
        for n in range(5):
            with database:
                database.executemany("insert into t values (?, ?)", [(n, bytes(3000))] * 20)
        database.execute("begin")
        database.execute("delete from t")
        database.rollback()
        seen.append(sqlite3.connect(f"{folder}/{mode}.db").execute("select count(*) from t").fetchall())
    return seen


@operation
def databases_larger_than_their_cache(folder):
    import sqlite3

    database = sqlite3.connect(f"{folder}/m.db")
    database.execute("pragma cache_size=5")
    with database:
        database.execute("create table t(i integer primary key, b)")
        database.executemany("insert into t values (?, ?)", ((n, bytes(1000)) for n in range(2000)))
    with database:
        database.execute("delete from t where i % 2")
    database.execute("vacuum")
    return database.execute("select count(*), sum(length(b)) from t").fetchall(), database.execute(
        "pragma integrity_check"
    ).fetchall()


# Locks between the connections to a database.


def database(folder, count=2, names=None):
    """Return connections to one database without implicit transactions and without waiting for locks."""
    import sqlite3

    names = names or [f"{folder}/m.db"] * count
    connections = [sqlite3.connect(name, timeout=0, isolation_level=None, uri=True) for name in names]
    connections[0].executescript("create table if not exists t(i); delete from t; insert into t values (1)")
    return connections


def ask(connection, statement="select count(*) from t"):
    """Return the rows of a statement, or the error that it raises."""
    try:
        return connection.execute(statement).fetchall()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@operation
def databases_read_while_another_connection_writes(folder):
    writer, reader, third = database(folder, 3)
    seen = [ask(writer, "begin"), ask(writer, "insert into t values (2)")]
    seen += [ask(reader), ask(third), ask(writer), ask(writer, "commit")]
    return seen, ask(reader), ask(third)


@operation
def databases_read_by_two_at_a_time(folder):
    one, other = database(folder)
    seen = [ask(one, "begin"), ask(one), ask(other, "begin"), ask(other)]
    return seen, ask(one, "commit"), ask(other), ask(other, "commit")


@operation
def databases_with_a_second_writer(folder):
    one, other = database(folder)
    seen = [ask(one, "begin immediate"), ask(other, "begin immediate"), ask(other, "insert into t values (2)")]
    seen += [ask(one, "insert into t values (3)"), ask(one, "commit"), ask(other, "insert into t values (2)")]
    return seen, ask(one), ask(other)


@operation
def databases_written_during_a_read(folder):
    writer, reader = database(folder)
    seen = [ask(reader, "begin"), ask(reader), ask(writer, "begin"), ask(writer, "insert into t values (2)")]
    # The commit waits for the reader, and shuts out new ones meanwhile.
    seen += [ask(writer, "commit"), ask(reader), ask(reader, "commit"), ask(reader)]
    return seen, ask(writer, "commit"), ask(reader)


@operation
def databases_locked_exclusively(folder):
    one, other = database(folder)
    seen = [ask(one, "begin exclusive"), ask(other), ask(other, "insert into t values (2)"), ask(one)]
    return seen, ask(one, "rollback"), ask(other), ask(other, "begin exclusive"), ask(one)


@operation
def databases_after_a_rollback(folder):
    one, other = database(folder)
    seen = [ask(one, "begin"), ask(one, "delete from t"), ask(other), ask(one), ask(one, "rollback")]
    return seen, ask(one), ask(other, "insert into t values (2)"), ask(one), sorted(os.listdir(folder))


@operation
def databases_after_a_connection_is_closed(folder):
    one, other, third = database(folder, 3)
    seen = [ask(one, "begin exclusive"), ask(one, "insert into t values (2)"), ask(other)]
    one.close()
    seen += [ask(other), ask(other, "begin exclusive"), ask(third)]
    other.close()
    seen += [ask(third), ask(third, "begin exclusive"), ask(third, "commit")]
    return seen, sorted(os.listdir(folder))


@operation
def databases_with_locks_that_outlive_a_transaction(folder):
    one, other = database(folder)
    seen = [ask(one, "pragma locking_mode=exclusive"), ask(one), ask(other), ask(one, "insert into t values (2)"), ask(other)]
    return seen, ask(one, "pragma locking_mode=normal"), ask(one), ask(other)


@operation
def databases_opened_for_reading_only(folder):
    name = f"file:{folder}/m.db"
    writer, reader = database(folder, names=[name, f"{name}?mode=ro"])
    seen = [ask(reader, "begin"), ask(reader), ask(reader, "insert into t values (2)")]
    seen += [ask(writer, "insert into t values (2)"), ask(reader, "commit"), ask(writer, "begin exclusive"), ask(reader)]
    return seen, ask(writer, "commit"), ask(reader)


@operation
def databases_first_locked_for_reading_only(folder):
    name = f"file:{folder}/m.db"
    writer, reader, third = database(folder, names=[name, f"{name}?mode=ro", name])
    seen = [ask(reader, "begin"), ask(reader), ask(writer, "begin immediate"), ask(writer, "insert into t values (2)")]
    seen += [ask(third, "begin immediate"), ask(reader), ask(reader, "commit"), ask(third), ask(writer, "commit")]
    return seen, ask(third), ask(reader), ask(third, "begin exclusive"), ask(reader)


@operation
def databases_that_are_opened_as_files(folder):
    one, other = database(folder)
    seen = [ask(one, "begin immediate"), ask(one, "insert into t values (2)")]
    with open(f"{folder}/m.db", "rb") as file:
        seen.append(file.read(15))
        seen.append(ask(other, "begin immediate"))
    return seen, ask(one, "commit"), ask(other)


@operation
def databases_in_two_folders_by_one_name(folder):
    os.mkdir(f"{folder}/a")
    os.mkdir(f"{folder}/b")
    (one,), (other,) = database(f"{folder}/a", 1), database(f"{folder}/b", 1)
    seen = [ask(one, "begin exclusive"), ask(other, "begin exclusive")]
    return seen, ask(one, "insert into t values (2)"), ask(other), ask(one, "commit"), ask(other, "commit")


@operation
def databases_by_a_link(folder):
    one, = database(folder, 1)
    os.link(f"{folder}/m.db", f"{folder}/n.db")
    other, = database(folder, names=[f"{folder}/n.db"])
    seen = [ask(one, "begin exclusive"), ask(other), ask(one, "commit"), ask(other)]
    return seen


@operation
def databases_with_many_connections(folder):
    connections = database(folder, 40)
    for connection in connections:
        ask(connection, "begin")
    seen = {str(ask(connection)) for connection in connections}
    writer = connections.pop()
    seen.add(ask(writer, "insert into t values (2)") == [])
    seen.add(ask(writer, "commit"))
    for connection in connections:
        ask(connection, "commit")
    return sorted(map(str, seen)), ask(writer, "commit"), ask(connections[0])


@operation
def pickles_and_other_formats(folder):
    import dbm.dumb
    import pickle
    import shelve

    with open(f"{folder}/p", "wb") as file:
        for n in range(100):
            pickle.dump([n] * 100, file)
    with open(f"{folder}/p", "rb") as file:
        loaded = [pickle.load(file)[0] for _ in range(100)]
    with dbm.dumb.open(f"{folder}/d", "c") as database:
        database["key"] = "value"
    with dbm.dumb.open(f"{folder}/d") as database:
        return loaded == list(range(100)), database["key"]


def main(base):
    for function, reason in OPERATIONS:
        folder = f"{base}/{function.__name__}"
        os.mkdir(folder)
        try:
            result = repr(function(folder))
        except BaseException as error:
            number = errno.errorcode.get(getattr(error, "errno", None), "")
            result = f"{type(error).__name__} {number or error}"
        result = result.replace(base, "")
        print(f"{function.__name__}\t{reason or ''}\t{result[:3000]}", flush=True)


main(sys.argv[1])
