"""Running what the host asks for: the exports of an island."""

import builtins
import sys

# Bound here, so that code that patches its builtins gets its results and errors told all the same.
from builtins import BaseException, SystemExit, int, isinstance, print
from types import ModuleType

from componentize_py_types import Err
from wit_world.imports import channels

from . import report, waits
from .codec import decode, encode_exactly
from .errors import NotShareableError

_compile = compile
_exec = exec
_eval = eval
_STRING = "<string>"

# What `sys.argv` begins with where there is no script.
_ARGV_0 = {_STRING: "-c", "<stdin>": "-"}


def fresh_main():
    """Make a new, empty `__main__`."""
    main = ModuleType("__main__")
    main.__builtins__ = builtins
    sys.modules["__main__"] = main
    return main.__dict__


def _main():
    return sys.modules["__main__"].__dict__


class Guest:
    """The exports of the world's `guest` interface."""

    def exec(self, source):
        try:
            _exec(_compile(source, _STRING, "exec", dont_inherit=True), _main())
            if waits.deferred:
                waits.run_deferred()
        except BaseException as error:
            report.remember(_STRING, source)
            raise Err(report.exception(error)) from None
        finally:
            report.flush()

    def eval(self, source):
        try:
            value = _eval(_compile(source.strip(), _STRING, "eval", dont_inherit=True), _main())
            if waits.deferred:
                waits.run_deferred()
            body, _, luggage = encode_exactly(value)
            if luggage is None:
                return body, None
            if luggage.ends:
                raise NotShareableError("the value of eval cannot have channel ends in it")
            return body, channels.Luggage(luggage.form, [])
        except BaseException as error:
            report.remember(_STRING, source)
            raise Err(report.exception(error)) from None
        finally:
            report.flush()

    def bind(self, values):
        try:
            _main().update(decode(values))
        except BaseException as error:
            raise Err(report.exception(error)) from None

    def run(self, script):
        main = _main()
        sys.argv = [_ARGV_0.get(script.name, script.name), *script.arguments]
        if not script.name.startswith("<"):
            main["__file__"] = script.name
        if script.directory is not None:
            sys.path.insert(0, script.directory)
        report.remember(script.name, script.source)
        try:
            if sys.stdout.isatty():
                sys.stdout.reconfigure(line_buffering=True)
            code = _compile(script.source, script.name, "exec", dont_inherit=True)
            _exec(code, main)
            waits.run_deferred()
            status = 0
        except BaseException as error:
            status = _ending(error)
        try:
            _exit_functions()
        except BaseException as error:
            report.show(error)
        report.flush()
        return status


def _ending(error):
    """Show `error` as it should be, and return the exit status that it means."""
    if not isinstance(error, SystemExit):
        report.flush()
        report.show(error)
        return 1
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    report.flush()
    try:
        print(code, file=sys.stderr)
    except BaseException as failure:
        report.show(failure)
    return 1


def _exit_functions():
    import atexit

    atexit._run_exitfuncs()
