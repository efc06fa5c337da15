#: row A-1
#: attack It calls aliases that are absent, hidden, misspelt, or named like builtins.
#: outcome RAISE(NameError)
#: alias echo
#: audit there is no alias called "Echo"
#: audit there is no alias called "missing"
#: audit there is no alias called "__import__"
#: audit there is no alias called ""
#: audit there is no alias called "echo.__globals__"
#: stdout Echo NameError: name 'Echo' is not defined
#: stdout missing NameError: name 'missing' is not defined
#: stdout __import__ NameError: name '__import__' is not defined
#: stdout  NameError: name '' is not defined
#: stdout echo.__globals__ NameError: name 'echo.__globals__' is not defined
from _island import aliases

for name in ('Echo', 'missing', '__import__', '', 'echo.__globals__'):
    try:
        aliases.call(name, (), {})
        print(name, 'fine')
    except NameError as error:
        print(name, f'{type(error).__name__}: {error}')
