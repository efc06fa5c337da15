#: row A-6
#: attack It calls a host function with thirty million objects, which would take a gigabyte in the host.
#: outcome RAISE(NotShareableError)
#: alias echo
#: stdout NotShareableError
from _island import aliases

try:
    aliases.call('echo', ([None] * (30 << 20),), {})
except TypeError as error:
    print(type(error).__name__)
