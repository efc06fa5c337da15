#: row T-2
#: attack It raises objects that are not exceptions, and exceptions that are not meant to be caught.
#: outcome RAISE(ExecutionFailed)
#: stdout TypeError: exceptions must derive from BaseException
#: stdout TypeError: exceptions must derive from BaseException
#: stdout RuntimeError: no
#: stdout TypeError: calling <class '__main__.Evil'> should have returned an instance of BaseException, not <class 'int'>
#: stdout Evil: own
#: stdout KeyboardInterrupt: pressed
#: stdout GeneratorExit: over
#: stdout ExecutionFailed 7 times
from concurrent.interpreters import ExecutionFailed, create

SOURCES = [
    "raise 1",
    "raise 'text'",
    "class Evil(Exception):\n def __init__(self): raise RuntimeError('no')\nraise Evil",
    "class Evil(Exception):\n def __new__(cls): return 1\nraise Evil",
    "class Evil(BaseException): pass\nraise Evil('own')",
    "raise KeyboardInterrupt('pressed')",
    "raise GeneratorExit('over')",
]
failed = 0
for source in SOURCES:
    try:
        create().exec(source)
    except ExecutionFailed as error:
        failed += 1
        print(f'{error.excinfo.type.__name__}: {error.excinfo.msg}')
print('ExecutionFailed', failed, 'times')
