#: row F-17
#: attack It starts listing a large directory many times, and finishes none of the listings.
#: outcome RAISE(OSError)
#: dir rw /data
#: stdout 64 OSError
#: stdout True
import os

for n in range(500):
    open(f'/data/{n}', 'w').close()
listings = []
try:
    while len(listings) < 1000:
        listing = os.scandir('/data')
        next(listing)
        listings.append(listing)
except OSError as error:
    print(len(listings), 'OSError')
listings.pop().close()
print(len(os.listdir('/data')) >= 500)
