#: row S-7
#: attack It imports the modules through which a program reaches the system.
#: outcome RAISE(ModuleNotFoundError)
#: stdout ctypes fine
#: stdout mmap fine
#: stdout resource ModuleNotFoundError
#: stdout fcntl ModuleNotFoundError
#: stdout pty ModuleNotFoundError
#: stdout termios ModuleNotFoundError
#: stdout ssl fine
#: stdout _posixsubprocess ModuleNotFoundError
#: stdout _posixshmem ModuleNotFoundError
#: stdout _multiprocessing ModuleNotFoundError
#: stdout _testcapi ModuleNotFoundError
#: stdout _testinternalcapi ModuleNotFoundError
#: stdout pwd ModuleNotFoundError
#: stdout syslog ModuleNotFoundError
#: stdout readline ModuleNotFoundError
import importlib

for name in (
    'ctypes mmap resource fcntl pty termios ssl _posixsubprocess _posixshmem _multiprocessing '
    '_testcapi _testinternalcapi pwd syslog readline'
).split():
    try:
        importlib.import_module(name)
        print(name, 'fine')
    except ImportError as error:
        print(name, type(error).__name__)
