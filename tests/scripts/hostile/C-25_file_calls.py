#: row C-25
#: attack It calls the file system in a loop: it opens and drops listings, and looks up names.
#: outcome LIMIT(cpu)
#: cpu 3s
#: dir rw /data
#: stdout reached
import os

for n in range(1000):
    open(f'/data/{n}', 'x').close()
print('reached', flush=True)
while True:
    listing = os.scandir('/data')
    next(listing)
    listing.close()
    os.path.exists('/data/none')
