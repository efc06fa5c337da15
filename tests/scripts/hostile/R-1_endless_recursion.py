#: row R-1
#: attack It calls itself forever.
#: outcome RAISE(RecursionError)
#: stdout RecursionError
#: stdout usable
def f():
    f()


try:
    f()
except RecursionError as error:
    print(type(error).__name__)
print('usable')
