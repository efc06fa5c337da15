"""The channel ends of the message that is being decoded."""

from . import codec, report
from .errors import NotShareableError

_ends = ()


def with_ends(ends, read):
    """Return the result of `read`, which decodes a message that arrived with `ends`.  Raises NotShareableError."""
    global _ends
    before, _ends = _ends, ends
    try:
        return read()
    except Exception as error:
        raise NotShareableError(f"object could not be unpickled ({report.brief(error)})") from error
    finally:
        _ends = before


def end(code, index):
    """Return the end, or the pair of ends, that a pickle refers to by its place in the message."""
    return codec.rebuilders[code](_ends, index)
