#: row A-6
#: attack It calls a function of the host's with thirty million objects, which would take a gigabyte there.
#: outcome RAISE(NotShareableError)
#: alias echo
#: stdout NotShareableError
from _island import aliases

try:
    aliases.call('echo', ([None] * (30 << 20),), {})
except TypeError as error:
    print(type(error).__name__)
