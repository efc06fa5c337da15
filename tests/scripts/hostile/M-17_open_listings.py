#: row M-17
#: attack It keeps as many listings of a folder open as it can, and the folder has long names by the thousand.
#: outcome RAISE(OSError)
#: memory 48MiB
#: dir rw /data
#: stdout 64 listings
#: stdout 1000 names
import os

for n in range(1000):
    open(f'/data/{n:04}' + 'n' * 250, 'x').close()
listings = []
try:
    while True:
        listings.append(os.scandir('/data'))
        next(listings[-1])
except OSError as error:
    print(len(listings), 'listings')
    told = error
del listings
print(sum(len(name) == 254 for name in os.listdir('/data')), 'names')
raise told
