#: row R-10
#: attack It compiles regular expressions with thousands of nested groups.
#: outcome RAISE(RecursionError)
#: stdout open PatternError
#: stdout nested RecursionError
import re

for name, pattern in {'open': '(' * 100, 'nested': '(' * 5000 + ')' * 5000}.items():
    try:
        re.compile(pattern)
    except (re.error, RecursionError) as error:
        print(name, type(error).__name__)
