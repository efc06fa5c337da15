#: row E-1
#: attack It reads its environment in every way, and finds exactly what was granted.
#: outcome OK
#: env GRANTED=one
#: env EMPTY=
#: stdout [('EMPTY', ''), ('GRANTED', 'one')]
#: stdout [(b'EMPTY', b''), (b'GRANTED', b'one')]
#: stdout None
#: stdout [('EMPTY', ''), ('GRANTED', 'one')]
import os
import posix

print(sorted(os.environ.items()))
print(sorted(posix.environ.items()))
print(os.getenv('HOME'))
os.environ['OWN'] = 'mine'
del os.environ['OWN']
os.reload_environ()
print(sorted(os.environ.items()))
