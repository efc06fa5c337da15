import gzip
import threading
import zipfile

text = open("/data/text", "w")
text.write("text")
binary = open("/data/binary", "wb")
binary.write(b"binary")
update = open("/data/update", "w+b")
update.write(b"update")
cycle = [open("/data/cycle", "w")]
cycle.append(cycle)
cycle[0].write("cycle")
del cycle
packed = gzip.open("/data/packed", "wt")
packed.write("packed")
archive = zipfile.ZipFile("/data/archive", "w")
archive.writestr("member", "archived")


def write():
    global threaded
    threaded = open("/data/threaded", "w")
    threaded.write("threaded")


thread = threading.Thread(target=write)
thread.start()
print("done", end="")
