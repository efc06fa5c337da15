#: row E-7
#: attack It provokes host errors, and reads their texts.
#: outcome RAISE(AliasError)
#: alias panics
#: alias fails
#: dir ro /data
#: audit opening "hello.txt"
#: audit opening "absolute"
#: audit the directory "/etc" is not granted to the parent
#: stdout panics AliasError: the command failed
#: stdout fails AliasError: the alias failed
#: stdout file FileNotFoundError: [Errno 44] No such file or directory: '/data/absent'
#: stdout folder IsADirectoryError: [Errno 31] Is a directory: '/data'
#: stdout write PermissionError: [Errno 63] Operation not permitted: '/data/hello.txt'
#: stdout link PermissionError: [Errno 63] Operation not permitted: '/data/absolute'
#: stdout policy Denied: the directory "/etc" is not granted to the parent
import archipel


def attempt(name, function, *args):
    try:
        print(name, function(*args))
    except Exception as error:
        print(name, f'{type(error).__name__}: {error}')


attempt('panics', panics)
attempt('fails', fails)
attempt('file', open, '/data/absent')
attempt('folder', open, '/data')
attempt('write', open, '/data/hello.txt', 'w')
attempt('link', open, '/data/absolute')
attempt('policy', lambda: archipel.create(policy={'dirs': {'/etc': {'from': '/etc', 'access': 'ro'}}}))
