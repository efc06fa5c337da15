"""An interactive session: the host reads the lines, and this module runs them.

None of its names are in `__main__`, whose names belong to the user.
"""

import ast
import codeop
import linecache
import sys

from . import pool, report, run, tasks, waits

# The flags by which codeop detects incomplete source; code that runs has none of them.
_UNFINISHED = codeop.PyCF_DONT_IMPLY_DEDENT | codeop.PyCF_ALLOW_INCOMPLETE_INPUT

_compile = codeop.CommandCompiler()
_count = 0
_completer = None


def begin():
    """Prepare `__main__` for a session, and return the banner."""
    sys.ps1, sys.ps2 = ">>> ", "... "
    if sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)
    return f"Python {sys.version} on {sys.platform}"


def prompts():
    """Return the prompts for the first line of a statement and for its continuation."""
    return _shown("ps1"), _shown("ps2")


def _shown(name):
    try:
        return report._text(lambda: str(getattr(sys, name)), "")[:200]
    except AttributeError:
        return ""


def enter(source, last):
    """Run `source` if it is complete; `last` says that no more lines follow.

    Returns None if it needs more lines.  Otherwise returns the status with which the session ends, or -1 if the
    session continues.
    """
    name = f"<stdin-{_count}>"
    try:
        codes = _codes(source, name)
        if codes is None:
            if not last:
                return None
            # An added line end completes the source, or produces the error for it.
            codes = [compile(source + "\n", name, "single", _flags(), dont_inherit=True)]
    except BaseException as error:
        _remember(name, source)
        # Its frames are the compiler's, and its context is the other attempts to compile.
        error.__traceback__ = error.__context__ = None
        if isinstance(error, SyntaxError):
            # For other errors `traceback` omits the number by itself.
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
    """Return the code of each statement in `source`, or None if it is incomplete."""
    try:
        code = _compile(source, name, "single")
        return None if code is None else [code]
    except SyntaxError:
        # Several statements, perhaps pasted, are a syntax error in this mode too.
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
    """Return the `__future__` flags of the statements so far."""
    return _compile.compiler.flags & ~_UNFINISHED


def _remember(name, source):
    """Let tracebacks show lines of `source`."""
    global _count
    if name not in linecache.cache:
        _count += 1
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name


def complete(text):
    """Return the names that complete `text`, which can be dotted."""
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
