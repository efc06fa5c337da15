#: row H-3
#: attack It tries the numbers of interpreters and channels that it was not given.
#: outcome RAISE(InterpreterNotFoundError)
#: stdout 1000 of InterpreterNotFoundError
#: stdout 2000 of Absent
from concurrent import interpreters as ci

import archipel

secret = ci.create()
queue = ci.create_queue()
child = archipel.create()
child.exec("""
from concurrent import interpreters as ci
from wit_world.imports import channels
from componentize_py_types import Err

found = set()
for number in (*range(3, 1002), 2**62):
    try:
        ci.Interpreter(number)
        print(number)
    except ci.InterpreterNotFoundError as error:
        found.add(str(error).replace(str(number), 'N'))
assert len(found) == 1, found
print(1000, 'of InterpreterNotFoundError')
absent = 0
for number in range(1000):
    for open in (channels.open_sender, channels.open_receiver):
        try:
            open(number)
        except Err as error:
            absent += type(error.value) is channels.Error_Absent
print(absent, 'of Absent')
""")
