#: row O-10
#: attack It reads standard input without a grant.
#: outcome OK
#: stdout '' b'' EOFError
import os
import sys


def asked():
    try:
        input()
    except EOFError as error:
        return type(error).__name__


print(repr(sys.stdin.read()), os.read(0, 100), asked())
