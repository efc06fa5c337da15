#: row A-14
#: attack A child calls an alias of its parent that was not lent to it.
#: outcome RAISE(NameError)
#: alias echo
#: audit there is no alias called "echo"
#: stdout NameError
#: stdout forced NameError
import archipel

archipel.create().exec("""
try:
    echo(1)
except NameError as error:
    print(type(error).__name__)
from _island import aliases
try:
    aliases.call('echo', (1,), {})
except NameError as error:
    print('forced', type(error).__name__)
""")
