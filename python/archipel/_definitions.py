"""The statements that define functions and classes, and the names in them."""

import ast
import functools
import importlib.util
import inspect
import linecache
import symtable
import sys
import sysconfig
import textwrap
import types

_INSTALLED = tuple(
    path for path in {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")} if path
)


@functools.lru_cache(maxsize=4096)
def is_installed(module):
    """Return whether interpreters import the module by themselves: it belongs to the standard library or a package."""
    first = module.partition(".")[0]
    if first in sys.stdlib_module_names:
        return first != "__main__"
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if file is None and loaded is None:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            return False
        file = spec and spec.origin
    return file is not None and (file.startswith(_INSTALLED) or "site-packages" in file)


def statement(part, name, value):
    """Return the line and the source of the statement that binds `name` in a module, or None."""
    found = _statements(part).get(name)
    if found is not None:
        return found
    try:
        lines, line = inspect.getsourcelines(inspect.unwrap(value))
    except (OSError, TypeError):
        return None
    source = as_block(textwrap.dedent("".join(lines)))
    return source and (line, source)


def _statements(part):
    """Return the statements of a module that bind names: name -> (line, source)."""
    file = part.namespace.get("__file__")
    lines = linecache.getlines(file, part.namespace) if file else []
    return _index("".join(lines)) if lines else {}


@functools.lru_cache(maxsize=64)
def _index(text):
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    lines = text.splitlines(True)
    found = {}

    def visit(body):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                keep(node, [node.name])
            elif isinstance(node, ast.Assign):
                names = [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
                keep(node, names)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                keep(node, [node.target.id])
            elif isinstance(node, (ast.If, ast.Try)):
                visit(node.body)
                visit(node.orelse)
                for handler in getattr(node, "handlers", ()):
                    visit(handler.body)

    def keep(node, names):
        decorators = getattr(node, "decorator_list", ())
        line = min([node.lineno] + [decorator.lineno for decorator in decorators])
        source = textwrap.dedent("".join(lines[line - 1 : node.end_lineno]))
        for name in names:
            found[name] = line, source

    visit(tree.body)
    return found


def as_block(source):
    """Return source that can be compiled by itself, or None."""
    try:
        ast.parse(source)
    except SyntaxError:
        return None
    return source


def parses(source):
    """Yield texts and their syntax trees for lines that can be a part of a statement."""
    source = source.strip()
    try:
        yield source, ast.parse(source)
        return
    except SyntaxError:
        pass
    start = source.find("lambda")
    for end in range(len(source), start, -1):
        try:
            yield source[start:end], ast.parse(source[start:end], mode="eval")
            return
        except SyntaxError:
            pass


def same_code(text, function):
    code = function.__code__
    made = compile(f"({text})", "<lambda>", "eval").co_consts
    return any(
        isinstance(other, types.CodeType)
        and other.co_code == code.co_code
        and other.co_names == code.co_names
        and [c for c in other.co_consts if not isinstance(c, types.CodeType)]
        == [c for c in code.co_consts if not isinstance(c, types.CodeType)]
        for other in made
    )


def names_in(source):
    """Return the global names that a statement uses, those that its type hints use, and chains of attributes."""
    text = f"from __future__ import annotations\n{source}"
    needed = set()

    def visit(table, is_module):
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (is_module or symbol.is_global()):
                needed.add(symbol.get_name())
            elif symbol.is_global():
                needed.add(symbol.get_name())
        for child in table.get_children():
            visit(child, False)

    visit(symtable.symtable(text, "<source>", "exec"), True)
    hints = set()
    chains = set()
    for node in ast.walk(ast.parse(source)):
        chain = []
        inner = node
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        if chain and isinstance(inner, ast.Name):
            chains.add((inner.id, *reversed(chain)))
        for field in ("annotation", "returns"):
            hint = getattr(node, field, None)
            if hint is not None:
                hints.update(n.id for n in ast.walk(hint) if isinstance(n, ast.Name))
    return {name for name in needed if not name.startswith("__")}, hints, sorted(chains)
