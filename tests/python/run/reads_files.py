import gzip
import zipfile

for name in ("text", "binary", "update", "cycle", "threaded"):
    with open(f"/data/{name}") as file:
        print(file.read())
print(gzip.open("/data/packed", "rt").read(), zipfile.ZipFile("/data/archive").read("member"))
