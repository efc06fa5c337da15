#: row I-17
#: attack It looks for CPython's own subinterpreters, which would share its memory.
#: outcome RAISE(ModuleNotFoundError)
#: children 0 0
#: audit creating an interpreter: the policy grants no children
#: stdout _xxsubinterpreters ModuleNotFoundError
#: stdout _testinternalcapi ModuleNotFoundError
#: stdout _interpreters.create InterpreterError
import _interpreters

for name in ('_xxsubinterpreters', '_testinternalcapi'):
    try:
        __import__(name)
        print(name, 'fine')
    except ImportError as error:
        print(name, type(error).__name__)
try:
    _interpreters.create()
    print('created')
except _interpreters.InterpreterError as error:
    print('_interpreters.create', type(error).__name__)
