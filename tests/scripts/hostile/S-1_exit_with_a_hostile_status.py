#: row S-1
#: attack It ends itself with an object that raises where it is shown.
#: outcome EXIT(1)
#: stdout reached
#: stderr-has RuntimeError: no
class Status:
    def __str__(self):
        raise RuntimeError('no')

    __repr__ = __str__


print('reached')
raise SystemExit(Status())
