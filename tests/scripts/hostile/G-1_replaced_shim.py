#: row G-1
#: attack It replaces, deletes and reloads the modules that communicate with the host.
#: outcome RAISE(ExecutionFailed)
#: stdout replaced fine
#: stdout deleted fine
#: stdout reloaded fine
#: stdout bindings ExecutionFailed
#: stdout codec ExecutionFailed
#: stdout parent and others are fine
import archipel
from concurrent.interpreters import ExecutionFailed

ATTACKS = {
    'replaced': "import sys; sys.modules['_island'] = sys.modules['archipel'] = None",
    'deleted': """
import sys
for name in list(sys.modules):
    if name.startswith(('_island', 'wit_world', 'componentize')):
        del sys.modules[name]
""",
    'reloaded': 'import importlib, _island.run; importlib.reload(_island.run)',
    'bindings': """
from wit_world.imports import channels
channels.create = lambda *args: (1, 2)
import interpreters
interpreters.create_channel()
""",
    'codec': """
from _island import codec
import interpreters
recv, send = interpreters.create_channel(1)
codec.decode = codec.encode = lambda *args, **kwargs: b'no message'
send.send(1)
recv.recv()
recv.missing
""",
}
for name, source in ATTACKS.items():
    child = archipel.create()
    try:
        child.exec(source)
        child.exec('x = 1')
        print(name, 'fine')
    except archipel.InterpreterDied:
        print(name, 'InterpreterDied')
    except ExecutionFailed as error:
        print(name, 'ExecutionFailed')
other = archipel.create()
print('parent and others are fine' if other.call(eval, '1 + 1') == 2 else 'not')
