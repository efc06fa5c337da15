"""The kinds of items: the definitions that travel beside a pickle, because the receiver cannot import them."""

import sys

FUNCTION, CLASS, ENUM, CACHED = range(4)


def is_importable(obj):
    """Return whether another interpreter can import a function or class by its module and name."""
    module = getattr(obj, "__module__", None)
    if module == "__main__" or type(module) is not str:
        return False
    found = sys.modules.get(module)
    try:
        for part in obj.__qualname__.split("."):
            found = getattr(found, part)
    except AttributeError:
        return False
    return found is obj
