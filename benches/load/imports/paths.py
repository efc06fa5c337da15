"""The calls that take a path, with the longest possible paths and chain of links."""

import os

DEEP = '/data'
for _ in range(1000):
    DEEP += '/d'
    os.mkdir(DEEP)
open(DEEP + '/file', 'x').close()
for number in range(38):
    os.symlink(f'link{number - 1}' if number else 'd', f'/data/link{number}')
LONG = '/data/' + '/'.join(['n' * 200] * 20)


def step():
    os.stat(DEEP + '/file')
    os.stat('/data/link37/d')
    os.rename(DEEP + '/file', DEEP + '/other')
    os.utime(DEEP + '/other')
    os.rename(DEEP + '/other', DEEP + '/file')
    for path in (LONG, LONG * 2, '/data/../' + LONG):
        try:
            os.stat(path)
        except OSError:
            pass
