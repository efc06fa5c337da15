"""The origins of functions, classes and variables that travel by value: keys that are the same in all interpreters.

A *space* is the namespace of a `__main__`, or one that a script made for `exec`.  A token identifies a space wherever
something from it has travelled.  A *definition* is a function or a class.  Its key is the token of the interpreter
that first sent it, and a number.  The key of a variable is the token of its space, and its name.
"""

import builtins
import itertools
import os
from _weakref import ref

from . import scripts

# The tokens of this interpreter's own `__main__`; the last one is in use.
_own = []

_numbers = itertools.count()

# Spaces that arrived, or that belong to neither a `__main__` nor a module: token -> namespace.
_spaces = {}
_MOST_SPACES = 256

# id of a definition -> (weak reference, key), and key -> weak reference
_keys = {}
_definitions = {}

# The digests of the items that arrived, for `arrivals`: key -> digest
digests = {}


def own():
    """Return the token of this interpreter's `__main__`, which is that of its script if it has one."""
    script = scripts.of("__main__")
    if script is not None and script[0] not in _own:
        _own.append(script[0])
    elif not _own:
        _own.append(os.urandom(16))
    return _own[-1]


def is_own(token):
    """Return whether a token identifies this interpreter's `__main__`."""
    return token in _own or token == own()


def renew():
    """Use another token from now on: this is a copy, whose definitions differ from the original's."""
    if _own:
        _own.append(os.urandom(16))


def is_space(namespace):
    """Return whether a namespace is that of a `__main__`, here or elsewhere."""
    return namespace is scripts.main() or any(found is namespace for found in _spaces.values())


def space(token):
    """Return the namespace that a token identifies; it is new and empty if nothing from it has arrived yet."""
    if is_own(token):
        return scripts.main()
    again = scripts.run_again(token)
    if again is not None:
        return again
    found = _spaces.pop(token, None)
    if found is None:
        found = {"__name__": scripts.FAKE, "__builtins__": builtins, "__spec__": None, "__package__": None}
    # The last one was used last.
    _spaces[token] = found
    if len(_spaces) > _MOST_SPACES:
        lost = next(iter(_spaces))
        del _spaces[lost]
        for key in [key for key in digests if key[0] == lost]:
            del digests[key]
    return found


def token_of(namespace):
    """Return the token of a namespace."""
    if namespace is scripts.main():
        return own()
    if namespace.get("__name__") == scripts.FAKE and "__script__" in namespace:
        return namespace["__script__"][0]
    for token, found in _spaces.items():
        if found is namespace:
            return token
    token = os.urandom(16)
    _spaces[token] = namespace
    return token


def key_of(definition):
    """Return the key of a definition, which gets one if it has none."""
    entry = _keys.get(id(definition))
    if entry is not None and entry[0]() is definition:
        return entry[1]
    key = own(), next(_numbers)
    name(definition, key)
    return key


def name(definition, key):
    """Associate `key` with a definition for the lifetime of that definition."""
    identity = id(definition)

    def forget(reference):
        if _definitions.get(key) is reference:
            del _definitions[key]
            digests.pop(key, None)
        if identity in _keys and _keys[identity][0] is reference:
            del _keys[identity]

    reference = ref(definition, forget)
    _keys[identity] = reference, key
    _definitions[key] = reference


def definition(key):
    """Return the definition with this key, or None if it is not here or no longer exists."""
    reference = _definitions.get(key)
    return None if reference is None else reference()
