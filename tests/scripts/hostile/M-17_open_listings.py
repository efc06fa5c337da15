#: row M-17
#: attack It keeps as many listings as possible of a folder open, which contains thousands of long names.
#: outcome RAISE(OSError)
#: memory 50MiB
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
