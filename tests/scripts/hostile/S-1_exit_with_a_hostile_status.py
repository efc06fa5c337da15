#: row S-1
#: attack It exits with an object that raises when it is printed.
#: outcome EXIT(1)
#: stdout reached
#: stderr-has RuntimeError: no
class Status:
    def __str__(self):
        raise RuntimeError('no')

    __repr__ = __str__


print('reached')
raise SystemExit(Status())
