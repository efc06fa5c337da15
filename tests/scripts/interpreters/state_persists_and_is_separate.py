#: stdout 3
#: stdout False
import interpreters

child = interpreters.create()
child.run("x = 1")
child.run("x += 2")
child.run("print(x)")
print('x' in globals())
