"""The smallest program with a subinterpreter: archipel run examples/hello.py"""

import interpreters

interp = interpreters.create()
print("before")
interp.run("print('during')")
print("after")
