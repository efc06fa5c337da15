#: row F-21
#: attack It reads the texts of file errors.
#: outcome DENY
#: dir ro /data
#: audits 7
#: stdout FileNotFoundError: [Errno 44] No such file or directory: '/data/absent'
#: stdout PermissionError: [Errno 63] Operation not permitted: '/data/out'
#: stdout PermissionError: [Errno 63] Operation not permitted: '/data/up'
#: stdout PermissionError: [Errno 63] Operation not permitted: '/data/hello.txt' -> '/data/x'
#: stdout PermissionError: [Errno 63] Operation not permitted: '/data/absolute'
#: stdout OperationalError: unable to open database file
#: stdout /
import os
import shutil
import sqlite3

for function, args in (
    (open, ('/data/absent',)),
    (open, ('/data/out',)),
    (os.listdir, ('/data/up',)),
    (os.rename, ('/data/hello.txt', '/data/x')),
    (shutil.copy, ('/data/absolute', '/data/x')),
    (sqlite3.connect, ('/data/new.db',)),
    (os.path.realpath, ('/data/up', )),
):
    try:
        print(function(*args))
    except Exception as error:
        print(f'{type(error).__name__}: {error}')
