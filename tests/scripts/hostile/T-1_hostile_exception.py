#: row T-1
#: attack It raises an exception whose `__str__` raises it again.
#: outcome RAISE(unprintable)
#: stdout <unprintable Evil object>
import interpreters

child = interpreters.create()
try:
    child.run("""
class Evil(Exception):
    def __str__(self):
        raise self
    __repr__ = __str__
raise Evil
""")
except interpreters.RunFailedError as error:
    print(error.__cause__.msg)
