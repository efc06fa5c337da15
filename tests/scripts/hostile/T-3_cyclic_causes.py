#: row T-3
#: attack It raises exceptions that are their own cause and context.
#: outcome EXIT(1)
#: stdout ValueError 2
#: stdout reached
#: stderr-has ValueError: 1
from concurrent.interpreters import ExecutionFailed, create

CYCLE = """
one, two = ValueError(1), ValueError(2)
one.__cause__, two.__cause__ = two, one
one.__context__, two.__context__ = one, two
raise """
try:
    create().exec(CYCLE + 'two')
except ExecutionFailed as error:
    print(error.excinfo.type.__name__, error.excinfo.msg)
print('reached', flush=True)
exec(CYCLE + 'one')
