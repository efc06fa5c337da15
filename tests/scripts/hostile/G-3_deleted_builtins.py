#: row G-3
#: attack It deletes and replaces builtins, codecs and the modules that report errors, in children.
#: outcome RAISE(ExecutionFailed)
#: stdout builtins ExecutionFailed NameError
#: stdout codecs ExecutionFailed ZeroDivisionError
#: stdout modules ExecutionFailed AttributeError
#: stdout __builtins__ ExecutionFailed ZeroDivisionError
#: stdout hooks InterpreterDied
import archipel
from concurrent.interpreters import ExecutionFailed

ATTACKS = {
    'builtins': """
import builtins
for name in list(vars(builtins)):
    if not name.startswith('__'):
        delattr(builtins, name)
""",
    'codecs': """
import codecs
codecs.lookup = codecs.getencoder = None
""",
    'modules': """
import sys
for name in list(sys.modules):
    sys.modules[name] = None
""",
    '__builtins__': 'del __builtins__',
    'hooks': """
import sys, traceback, linecache, io
sys.excepthook = sys.unraisablehook = sys.displayhook = 1
traceback.format_exception = traceback.TracebackException = linecache.cache = 1
io.StringIO = 1
""",
}
for name, source in ATTACKS.items():
    child = archipel.create()
    try:
        child.exec(source)
        child.exec('1 / 0')
        print(name, 'fine')
    except archipel.InterpreterDied:
        print(name, 'InterpreterDied')
    except ExecutionFailed as error:
        print(name, 'ExecutionFailed', error.excinfo.type.__name__)
