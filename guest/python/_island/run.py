"""Running what the host asks for: the exports of an island."""

import builtins
import os
import sys
import time

# Bound here, so that code that patches its builtins gets its results and errors told all the same.
from builtins import BaseException, KeyboardInterrupt, MemoryError, SystemExit, int, isinstance, print
from importlib.machinery import BuiltinImporter
from types import ModuleType

from componentize_py_types import Err
from wit_world.exports import guest

from . import aliases, calls, equipment, library, pool, report, reserve, scripts, tasks, waits
from .codec import decode, encode_exactly, owned
from .errors import NotShareableError

_compile = compile
_exec = exec
_eval = eval
_STRING = "<string>"

# What `sys.argv` begins with where there is no script.
_ARGV_0 = {_STRING: "-c", "<stdin>": "-", "<module>": "-m"}


def fresh_main():
    """Make a new, empty `__main__`."""
    main = ModuleType("__main__")
    main.__builtins__ = builtins
    main.__loader__ = BuiltinImporter
    sys.modules["__main__"] = main
    return main.__dict__


_began = False


def _main():
    """The namespace of `__main__`, of an interpreter that is ready to run."""
    reserve.take_back()
    if not _began:
        begin()
    return sys.modules["__main__"].__dict__


def restart():
    """Be as an interpreter is that has run nothing yet."""
    global _began
    _began = False
    fresh_main()


def begin(look_around=True):
    """Do what no snapshot can have: see where modules are to be found."""
    global _began
    _began = True
    # The ones that snapshots are made with; a script may have its own.
    for name in library.APPLICATIONS:
        sys.modules.pop(name, None)
    # The dictionary behind `os.environ` answers without an exception.
    path = os.environ._data.get(b"PYTHONPATH")
    if path and look_around:
        sys.path += os.fsdecode(path).split(":")


class Guest:
    """The exports of the world's `guest` interface."""

    def exec(self, source):
        try:
            _exec(_compile(source, _STRING, "exec", dont_inherit=True), _main())
            if waits.deferred:
                waits.run_deferred()
        except BaseException as error:
            reserve.lend()
            report.remember(_STRING, source)
            raise Err(report.exception(error)) from None
        finally:
            _settled()

    def eval(self, source):
        try:
            value = _eval(_compile(source.strip(), _STRING, "eval", dont_inherit=True), _main())
            if waits.deferred:
                waits.run_deferred()
            return owned(encode_exactly(value))
        except BaseException as error:
            reserve.lend()
            report.remember(_STRING, source)
            raise Err(report.exception(error)) from None
        finally:
            _settled()

    def bind(self, values):
        try:
            _main().update(decode(values))
        except BaseException as error:
            reserve.lend()
            raise Err(report.exception(error)) from None
        finally:
            reserve.lend()

    def call(self, callable):
        body, luggage = callable
        try:
            _main()
            result = calls.perform(body, () if luggage is None else luggage.ends)
            if waits.deferred:
                waits.run_deferred()
        except calls.Unreadable as error:
            reserve.lend()
            if isinstance(error.__cause__, MemoryError):
                raise Err(guest.NotCalled_Raised(report.exception(error.__cause__))) from None
            raise Err(guest.NotCalled_NotShareable(calls.unreadable(error))) from None
        except BaseException as error:
            reserve.lend()
            raise Err(guest.NotCalled_Raised(report.exception(error))) from None
        else:
            try:
                return owned(calls.returned(result))
            except NotShareableError as error:
                raise Err(guest.NotCalled_NotShareable(calls.unreturnable(error))) from None
            except BaseException as error:
                reserve.lend()
                raise Err(guest.NotCalled_Raised(report.exception(error))) from None
        finally:
            _settled()

    def apply(self, name, arguments):
        return _applied(lambda: scripts.find(name, None), arguments)

    def invoke_hidden(self, name, arguments):
        return _applied(lambda: equipment.find_hidden(name), arguments)

    def equip(self, wanted):
        try:
            _main()
            equipment.equip(wanted.aliases, wanted.hidden, wanted.only, wanted.recursion)
        except BaseException as error:
            reserve.lend()
            raise Err(report.exception(error)) from None

    def serve(self):
        try:
            reserve.take_back()
            aliases.serve()
            if waits.deferred:
                waits.run_deferred()
        except BaseException as error:
            reserve.lend()
            raise Err(report.exception(error)) from None
        finally:
            _settled()

    def run(self, script):
        main = _main()
        sys.argv = [_ARGV_0.get(script.name, script.name), *script.arguments]
        if not script.name.startswith("<"):
            main["__file__"] = script.name
        if script.directory is not None:
            sys.path.insert(0, script.directory)
        scripts.remember(script.name, script.source)
        return to_the_end(lambda: _exec(scripts.compiled(script.source, script.name), main))


def to_the_end(body):
    """Run what is a script's, its exit functions included; returns the exit status."""
    try:
        if sys.stdout.isatty():
            sys.stdout.reconfigure(line_buffering=True)
        body()
        # A thread that is no daemon is waited for as long as it takes.
        waits.run_deferred(time.monotonic())
        tasks.join_all()
        pool.finish_all()
        status = 0
    except BaseException as error:
        reserve.lend()
        status = _ending(error)
    try:
        _exit_functions()
    except BaseException as error:
        reserve.lend()
        report.show(error)
    _settled()
    return status


def _settled():
    """Do what comes last in a job: what is left for the streams, and room for the way out."""
    report.flush()
    reserve.lend()


def _applied(find, arguments):
    try:
        _main()
        args, kwargs = decode(arguments)
        value = find()(*args, **kwargs)
        if waits.deferred:
            waits.run_deferred()
        return owned(encode_exactly(value))
    except BaseException as error:
        reserve.lend()
        raise Err(report.exception(error)) from None
    finally:
        _settled()


def _ending(error):
    """Show `error` as it should be, and return the exit status that it means."""
    if not isinstance(error, SystemExit):
        report.flush()
        report.show(error)
        # As of a program that SIGINT ended.
        return 130 if isinstance(error, KeyboardInterrupt) else 1
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
