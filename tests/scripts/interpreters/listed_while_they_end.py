#: stdout True
#: stdout True
import interpreters
from concurrent.interpreters import Interpreter, list_all

import _interpreters

child = interpreters.create(isolated=False)
child.run("import interpreters; made = interpreters.create()")
# This interpreter has no object for the grandchild, which ends after it is listed and before an object is made of it.
listed = _interpreters.list_all()
child.run("made.close()")
print([Interpreter(id).id for id, _ in listed] == [id for id, _ in listed])
del listed
print([one.id for one in list_all()] == [0, child.id])
