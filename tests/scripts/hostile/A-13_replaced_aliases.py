#: row A-13
#: attack It replaces and patches aliases, which affects only itself.
#: outcome OK
#: alias echo
#: stdout mine
#: stdout 1
from _island import aliases

original = echo
echo = lambda value: 'mine'
print(echo(1))
print(original(1))
