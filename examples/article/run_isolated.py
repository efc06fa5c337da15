#: stdout before
#: stdout during
#: stdout after
import interpreters

interp = interpreters.create()
print('before')
interp.run("print('during')")
print('after')
