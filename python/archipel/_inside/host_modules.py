"""The modules of the host whose functions travelled to this interpreter.  It runs in the guest."""

import __future__
import builtins
import inspect
import linecache
import sys
from types import FunctionType, ModuleType

_entries = {}

# Type hints are not evaluated, so that they can name what did not travel.
_FLAGS = __future__.annotations.compiler_flag


def install(parts, key, module, qualname):
    """Define what `parts` contains, and keep the object `qualname` of `module` under `key`.

    A part is the name of a module, its imports, its constants, and its statements as a list of `(line, source)`.
    """
    for name, imports, constants, statements in parts:
        found = sys.modules.get(name)
        if found is None or getattr(found, "__host__", None) is not _entries:
            found = ModuleType(name)
            found.__host__ = _entries
            found.__builtins__ = builtins
            sys.modules[name] = found
    # All modules exist before the first statement runs, since they can import from each other.
    for name, imports, constants, statements in parts:
        sys.modules[name].__dict__.update(constants)
    for name, imports, constants, statements in reversed(parts):
        namespace = sys.modules[name].__dict__
        for statement in imports:
            exec(compile(statement, "<imports>", "exec", dont_inherit=True), namespace)
        file = f"<{name} of the host>"
        for line, source in statements:
            _show_lines(file, line, source)
            text = "\n" * (line - 1) + source
            exec(compile(text, file, "exec", _FLAGS, dont_inherit=True), namespace)
    target = sys.modules[module]
    for part in qualname.split("."):
        target = getattr(target, part)
    if target is eval or target is exec:
        target = _in_main(target)
    setattr(sys.modules[__name__], key, target)


def _in_main(function):
    """Return `eval` or `exec` with the namespace of `__main__` as the default."""

    def call(source, globals=None, locals=None):
        return function(source, sys.modules["__main__"].__dict__ if globals is None else globals, locals)

    return call


def invoke(key, ends, args, kwargs):
    """Call the object kept under `key`, or named `key` in `__main__`, with arguments of which some are channel ends.

    `ends` has the names in `__main__` to which they were bound, by the index or the keyword of the argument.
    """
    main = sys.modules["__main__"]
    args = list(args)
    for place, name in ends.items():
        target = args if isinstance(place, int) else kwargs
        target[place] = main.__dict__.pop(name)
    first, *rest = key.split(".")
    function = builtins if first == "__builtins__" else getattr(main, first, None) or getattr(builtins, first)
    for part in rest:
        function = getattr(function, part)
    return function(*args, **kwargs)


def _show_lines(file, line, source):
    """Make the lines of a statement visible in tracebacks."""
    _, _, lines, _ = linecache.cache.get(file, (0, None, [], file))
    new = source.splitlines(True)
    lines = lines + ["\n"] * (line - 1 + len(new) - len(lines))
    lines[line - 1 : line - 1 + len(new)] = new
    linecache.cache[file] = len(lines), None, lines, file


def describe(items):
    """Give aliases the docstrings and the signatures of the host's functions.

    An item is the name, the docstring or None, and the signature as text or None.
    """
    for name, doc, signature in items:
        path, _, last = name.rpartition(".")
        function = getattr(sys.modules.get(path) if path else builtins, last, None)
        if not isinstance(function, FunctionType):
            # It is hidden, or was removed.
            continue
        function.__doc__ = doc
        if signature is not None:
            made = {}
            try:
                exec(compile(f"def {last}{signature}: pass", "<alias>", "exec", _FLAGS, dont_inherit=True), made)
            except (SyntaxError, NameError):
                # A default value has no source.
                continue
            function.__signature__ = inspect.signature(made[last])
