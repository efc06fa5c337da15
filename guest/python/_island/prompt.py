"""An interactive session: the host reads the lines, and this runs them.

Nothing here is in `__main__`, where the names are the user's.
"""

import ast
import codeop
import linecache
import sys

from . import pool, report, run, tasks, waits

# The flags by which codeop tells that a source goes on; code that runs has none of them.
_UNFINISHED = codeop.PyCF_DONT_IMPLY_DEDENT | codeop.PyCF_ALLOW_INCOMPLETE_INPUT

_compile = codeop.CommandCompiler()
_count = 0
_completer = None


def begin():
    """Make `__main__` ready for a session, and return what it begins with."""
    sys.ps1, sys.ps2 = ">>> ", "... "
    if sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)
    return f"Python {sys.version} on {sys.platform}"


def prompts():
    """What the user is asked with, for a statement and for the rest of one."""
    return _shown("ps1"), _shown("ps2")


def _shown(name):
    try:
        return report._text(lambda: str(getattr(sys, name)), "")[:200]
    except AttributeError:
        return ""


def enter(source, last):
    """Run `source` unless more lines are to follow, which none can once it is the `last`.

    Returns None where it wants more, and otherwise the status with which the session is to end,
    which is -1 where it goes on.
    """
    name = f"<stdin-{_count}>"
    try:
        codes = _codes(source, name)
        if codes is None:
            if not last:
                return None
            # With the line that is missing it is complete, or it says what is wrong.
            codes = [compile(source + "\n", name, "single", _flags(), dont_inherit=True)]
    except BaseException as error:
        _remember(name, source)
        # Its frames are the compiler's, and its context is what else was tried.
        error.__traceback__ = error.__context__ = None
        if isinstance(error, SyntaxError):
            # Elsewhere `traceback` leaves the number out by itself.
            error.filename = "<stdin>"
        report.show(error)
        return -1
    _remember(name, source)
    try:
        for code in codes:
            exec(code, sys.modules["__main__"].__dict__)
        if waits.deferred:
            waits.run_deferred()
    except SystemExit as error:
        return run._ending(error)
    except BaseException as error:
        report.flush()
        report.show(error)
    return -1


def _codes(source, name):
    """The code of each statement in `source`, or None if it is not complete."""
    try:
        code = _compile(source, name, "single")
        return None if code is None else [code]
    except SyntaxError:
        # Several statements are none too: they may have been pasted.
        try:
            if _compile(source, name, "exec") is None:
                return None
        except SyntaxError:
            pass
        else:
            tree = compile(source, name, "exec", _flags() | ast.PyCF_ONLY_AST, dont_inherit=True)
            if len(tree.body) > 1:
                return [_single(statement, name) for statement in tree.body]
        raise


def _single(statement, name):
    return compile(ast.Interactive([statement]), name, "single", _flags(), dont_inherit=True)


def _flags():
    """What the statements until now have asked of `__future__`."""
    return _compile.compiler.flags & ~_UNFINISHED


def _remember(name, source):
    """Let tracebacks show lines of `source`."""
    global _count
    if name not in linecache.cache:
        _count += 1
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name


def complete(text):
    """The names that `text`, perhaps dotted, could be the beginning of."""
    global _completer
    if _completer is None:
        import rlcompleter

        _completer = rlcompleter.Completer(sys.modules["__main__"].__dict__)
    found = []
    while len(found) < 500 and (match := _completer.complete(text, len(found))) is not None:
        found.append(match)
    return found


def finish(status):
    """End the session as a script ends, and return the exit status."""
    try:
        waits.run_deferred()
        tasks.join_all()
        pool.finish_all()
    except BaseException as error:
        status = run._ending(error)
    try:
        run._exit_functions()
    except BaseException as error:
        report.show(error)
    return status
