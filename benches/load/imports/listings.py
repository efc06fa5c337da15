"""`read-directory` and `read-directory-entry` of a folder with thousands of long names."""

import os

for number in range(3000):
    open(f'/data/{number:04}' + 'n' * 240, 'x').close()


def step():
    listings = [os.scandir('/data') for _ in range(60)]
    for listing in listings:
        next(listing)
    del listings, listing
    os.listdir('/data')
