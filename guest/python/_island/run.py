"""The jobs that the host requests: the exports of an island."""

import builtins
import os
import sys
import time
from importlib.machinery import BuiltinImporter
from types import ModuleType

from componentize_py_types import Err
from wit_world.exports import guest

from . import aliases, calls, equipment, files, library, pool, report, reserve, scripts, tasks, waits
from .codec import decode, encode_exactly, to_result
from .errors import NotShareableError

_compile = compile
_exec = exec
_eval = eval
_STRING = "<string>"

# The first item of `sys.argv` for sources that are not files.
_ARGV_0 = {_STRING: "-c", "<stdin>": "-", "<module>": "-m"}


# The `__main__` that an image's set-up script filled.
_kept_main = None


def fresh_main():
    """Replace `__main__` by a new, empty module or by the one that `keep_main` made, and return its namespace."""
    main = _kept_main
    if main is None:
        main = ModuleType("__main__")
        main.__builtins__ = builtins
        main.__loader__ = BuiltinImporter
    sys.modules["__main__"] = main
    return main.__dict__


def keep_main():
    """Make an empty `__main__`, with whose contents every interpreter starts, and return its namespace."""
    global _kept_main
    main = fresh_main()
    _kept_main = sys.modules["__main__"]
    return main


_began = False


def _main():
    """Return the namespace of `__main__`, after preparing the interpreter for a job."""
    reserve.take_back()
    if not _began:
        begin()
    return sys.modules["__main__"].__dict__


def restart():
    """Restore the state of an interpreter that has not run anything."""
    global _began
    _began = False
    fresh_main()


def begin(look_around=True):
    """Do what cannot be part of a snapshot: read the module search path from the environment."""
    global _began
    _began = True
    # Remove the main modules of the snapshot; a script can have modules of these names.
    for name in library.APPLICATIONS:
        sys.modules.pop(name, None)
    # The dictionary behind `os.environ` answers without raising an exception.
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
            _finish_job()

    def eval(self, source):
        try:
            value = _eval(_compile(source.strip(), _STRING, "eval", dont_inherit=True), _main())
            if waits.deferred:
                waits.run_deferred()
            return to_result(encode_exactly(value))
        except BaseException as error:
            reserve.lend()
            report.remember(_STRING, source)
            raise Err(report.exception(error)) from None
        finally:
            _finish_job()

    def bind(self, values):
        try:
            _main().update(decode(values))
        except BaseException as error:
            reserve.lend()
            raise Err(report.exception(error)) from None
        finally:
            reserve.lend()

    def call(self, callable):
        body, attachments = callable
        try:
            _main()
            result = calls.perform(body, () if attachments is None else attachments.ends)
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
                return to_result(calls.encode_result(result))
            except NotShareableError as error:
                raise Err(guest.NotCalled_NotShareable(calls.unreturnable(error))) from None
            except BaseException as error:
                reserve.lend()
                raise Err(guest.NotCalled_Raised(report.exception(error))) from None
        finally:
            _finish_job()

    def apply(self, name, arguments):
        return _apply(lambda: scripts.find(name, None), arguments)

    def invoke_hidden(self, name, arguments):
        return _apply(lambda: equipment.find_hidden(name), arguments)

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
            _finish_job()

    def run(self, script):
        main = _main()
        sys.argv = [_ARGV_0.get(script.name, script.name), *script.arguments]
        if not script.name.startswith("<"):
            main["__file__"] = script.name
        if script.directory is not None:
            sys.path.insert(0, script.directory)
        scripts.remember(script.name, script.source)
        return to_the_end(lambda: _exec(scripts.compile_script(script.source, script.name), main))


def to_the_end(body):
    """Run the body of a script and its exit functions; return the exit status."""
    try:
        if sys.stdout.isatty():
            sys.stdout.reconfigure(line_buffering=True)
        body()
        # Non-daemon threads are waited for without limit.
        waits.run_deferred(time.monotonic())
        tasks.join_all()
        pool.finish_all()
        status = 0
    except BaseException as error:
        reserve.lend()
        status = _ending(error)
    try:
        _exit_functions()
        files.close_all()
    except BaseException as error:
        reserve.lend()
        report.show(error)
    if not report.flush_last() and status == 0:
        status = _FLUSH_FAILED
    _finish_job()
    return status


# CPython's exit status if the output could not be written at the end.
_FLUSH_FAILED = 120


def _finish_job():
    """Finish a job: flush the streams, and make room for the return."""
    report.flush()
    reserve.lend()


def _apply(find, arguments):
    try:
        _main()
        args, kwargs = decode(arguments)
        value = find()(*args, **kwargs)
        if waits.deferred:
            waits.run_deferred()
        return to_result(encode_exactly(value))
    except BaseException as error:
        reserve.lend()
        raise Err(report.exception(error)) from None
    finally:
        _finish_job()


def _ending(error):
    """Print `error` if it needs to be, and return the exit status that it means."""
    if not isinstance(error, SystemExit):
        report.flush()
        report.show(error)
        # 130 is the status of a program that SIGINT ended.
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
