"""Calls of functions in other interpreters: their messages, and how the receiver carries them out.

The body of such a message is the marshalled tuple `(kind, what, args, kwargs)`, or `(kind, pickle)`.  If `kwargs` is
None, `args` is a pickle of both; if it is Ellipsis, `args` has both with escapes, as in a message of data.
"""

import builtins
import sys
from marshal import dumps, loads
from types import BuiltinFunctionType, FunctionType

from . import arrivals, arriving, by_value, codec, functions, items, pickles, report, scripts
from .errors import NotShareableError

_CODE = 0
_NAME = 1
_PICKLE = 2
_SCRIPT = 3
_VALUE = 4

# These use the caller's namespace, which for a call from outside is `__main__`.
_NEED_FRAME = {
    builtins.exec: lambda ns, source, globals=None, locals=None, /, **kw: exec(
        source, _space(ns, globals), locals, **kw
    ),
    builtins.eval: lambda ns, source, globals=None, locals=None, /: eval(
        source, _space(ns, globals), locals
    ),
    builtins.globals: lambda ns: ns,
    builtins.locals: lambda ns: ns,
    builtins.vars: lambda ns, *obj: vars(*obj) if obj else ns,
    builtins.dir: lambda ns, *obj: dir(*obj) if obj else sorted(ns),
}


def _space(main, given):
    """Return the `given` namespace with the script's builtins, or `main` if there is none."""
    if given is None:
        return main
    if type(given) is dict:
        # Otherwise the code would see the builtins of this module.
        given.setdefault("__builtins__", builtins)
    return given


def describe(callable, args, kwargs):
    """Return the body and the ends of a message for `callable(*args, **kwargs)`.

    Raises NotShareableError.
    """
    kind = type(callable)
    number = what = None
    ends = []
    given = _as_data(args, kwargs, ends)
    if kind is FunctionType and functions.is_stateless(callable):
        number, what = _CODE, callable.__code__
    elif kind is FunctionType or kind is BuiltinFunctionType or given is not None and given[1] is ...:
        number, what = _NAME, functions.importable(callable)
        if what is None and given is not None and kind is FunctionType:
            described = _describe_value(callable, given, ends)
            if described is not None:
                return described
    if what is not None and given is not None:
        try:
            return dumps((number, what, *given)), ends
        except ValueError:
            # Nested too deeply for marshal.
            pass
    ends.clear()
    if kind is FunctionType and what is not None and number == _CODE:
        # The receiver gives the code the globals of its `__main__`.
        return dumps((_CODE, what, _pickle((args, kwargs), ends), None)), ends
    return dumps((_PICKLE, _pickle((callable, args, kwargs), ends))), ends


def _as_data(args, kwargs, ends):
    """Return the last two items of the body for arguments that are data, or None if they are not.

    Data with escapes is only looked for in an interpreter that uses numpy; for other objects, pickles are as good.
    """
    if codec.is_plain(args) and codec.is_plain(kwargs):
        return args, kwargs
    if "numpy" in sys.modules:
        try:
            return codec.escape((args, kwargs), ends), ...
        except (NotShareableError, RecursionError):
            ends.clear()
    return None


def _describe_value(function, given, ends):
    """Return the message for a function that travels by value with these arguments, or None if it cannot."""
    if items.is_importable(function):
        return None
    count = len(ends)
    try:
        return dumps((_VALUE, by_value.definition(function, ends), *given)), ends
    except (NotShareableError, ValueError):
        del ends[count:]
        return None


def _pickle(obj, ends):
    try:
        return pickles.dump(obj, ends)
    except NotShareableError as error:
        raise NotShareableError(f"args not shareable: {error}") from error.__cause__


def describe_script(code):
    """Return the body of a message that runs `code` in `__main__`."""
    return dumps((_SCRIPT, code))


def perform(body, ends):
    """Carry out the call that a message describes, and return its result.

    Raises `Unreadable` if the call cannot be decoded.
    """
    call, args, kwargs = prepare(loads(body), ends)
    return call(*args, **kwargs)


class Unreadable(Exception):
    """The call could not be decoded; the cause says why."""


def prepare(described, ends):
    """Return the callable and its arguments."""
    try:
        number, what, *rest = described
        if number == _PICKLE:
            call, args, kwargs = pickles.undump(what, ends)
        elif number == _SCRIPT:
            return _run_script, (what,), {}
        else:
            args, kwargs = rest
            if kwargs is None:
                args, kwargs = pickles.undump(args, ends)
            elif kwargs is ...:
                args, kwargs = codec.restore(args, ends)
            if number == _CODE:
                return FunctionType(what, scripts.main()), args, kwargs
            if number == _VALUE:
                return arriving.with_ends(ends, lambda: arrivals.function(*what)), args, kwargs
            call = _find(*what)
    except BaseException as error:
        raise Unreadable from error
    try:
        needs_frame = _NEED_FRAME.get(call)
    except TypeError:
        return call, args, kwargs
    if needs_frame is not None:
        return needs_frame, (scripts.main(), *args), kwargs
    return call, args, kwargs


def _find(module, name):
    found = sys.modules.get(module)
    if found is None:
        import importlib

        found = importlib.import_module(module)
    return getattr(found, name)


def _run_script(code):
    exec(code, scripts.main())


def encode_result(result):
    """Return the message for a result: body, exactness and attachments.  Raises NotShareableError."""
    if codec.is_plain(result):
        try:
            return dumps(result), True, None
        except ValueError:
            pass
    try:
        return codec.encode_exactly(result)
    except (NotShareableError, RecursionError):
        return pickles.encode(result)


def unreadable(error):
    """Return the text for the caller: the fact, and the reason in a second line."""
    cause = error.__cause__
    if isinstance(cause, NotShareableError):
        return f"args not shareable\n{cause}"
    return f"args not shareable\nobject could not be unpickled ({report.brief(cause)})"


def unreturnable(error):
    """Return the text that `unreadable` returns, for a result."""
    return f"result not shareable\n{error}"
