#: row F-1
#: attack It opens and lists files without a grant.
#: outcome DENY
#: stdout FileNotFoundError FileNotFoundError FileNotFoundError FileNotFoundError
import os


def outcome(f, *a):
    try:
        f(*a)
    except OSError as error:
        return type(error).__name__


print(
    outcome(open, '/etc/passwd'),
    outcome(open, '/var/tmp/x', 'w'),
    outcome(os.listdir, '/'),
    outcome(open, '/proc/self/environ'),
)
