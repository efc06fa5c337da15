#: row T-7
#: attack It makes children run sources that cannot be sent.
#: outcome RAISE(SyntaxError)
#: stdout zero byte SyntaxError
#: stdout surrogate UnicodeEncodeError
#: stdout too large ValueError
#: stdout usable
from concurrent import interpreters

SOURCES = {'zero byte': 'x = 1\0', 'surrogate': "x = '\ud800'", 'too large': '#' * (65 << 20)}
child = interpreters.create()
for name, source in SOURCES.items():
    try:
        child.exec(source)
        print(name, 'fine')
    except interpreters.ExecutionFailed as error:
        print(name, 'ExecutionFailed', error.excinfo.type.__name__)
    except (SyntaxError, ValueError) as error:
        print(name, type(error).__name__)
child.exec("print('usable')")
