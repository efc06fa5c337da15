#: row S-3
#: attack It crashes children in every known way.
#: outcome RAISE(InterpreterDied)
#: stdout abort InterpreterDied
#: stdout sigsegv InterpreterDied
#: stdout sigabrt InterpreterDied
#: stdout read null fine
#: stdout ctypes NotImplementedError
#: stdout testcapi ModuleNotFoundError
#: stdout kill AttributeError
import archipel
from concurrent.interpreters import ExecutionFailed

ATTACKS = {
    'abort': 'import os; os.abort()',
    'sigsegv': 'import faulthandler; faulthandler._sigsegv()',
    'sigabrt': 'import faulthandler; faulthandler._sigabrt()',
    'read null': 'import faulthandler; faulthandler._read_null()',
    'ctypes': 'import ctypes; ctypes.string_at(0)',
    'testcapi': 'import _testcapi; _testcapi.crash_no_current_thread()',
    'kill': 'import os; os.kill(os.getpid(), 9)',
}
for name, source in ATTACKS.items():
    try:
        archipel.create().exec(source)
        print(name, 'fine')
    except archipel.InterpreterDied:
        print(name, 'InterpreterDied')
    except ExecutionFailed as error:
        print(name, error.excinfo.type.__name__)
