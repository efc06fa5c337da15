#: row C-23
#: attack It creates children that fill 100 MiB each, and closes them.
#: outcome OK
#: stdout 20 times
import archipel

for _ in range(20):
    child = archipel.create()
    child.exec("block = b'x' * (100 << 20)")
    child.close()
print(20, 'times')
