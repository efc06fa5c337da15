"""Cells of a notebook.  It runs in the guest."""

import ast
import inspect
import linecache
import sys
import traceback

from _island import arrays, codec

_count = 0
_displays = []

_MIMES = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
}

_ATOMS = (type(None), bool, int, float, complex, str, bytes, bytearray, memoryview)


def run(source):
    """Run a cell, and return whether its value is data, the value, its repr, the displays and the error."""
    global _count
    _count += 1
    del _displays[:]
    file = f"<cell {_count}>"
    main = sys.modules["__main__"].__dict__
    main.setdefault("display", display)
    value = text = error = None
    try:
        value = _execute(source, file, main)
        if value is not None:
            main["_"] = value
            text = repr(value)
            if _bundle(value):
                display(value)
    except BaseException as exception:
        error = _describe(exception, file)
        value = None
    try:
        _take_figures()
    except Exception as exception:
        error = error or _describe(exception, file)
    is_data = _is_data(value, 0)
    return is_data, value if is_data else None, text, _displays[:], error


def _execute(source, file, main):
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    tree = ast.parse(source, file)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        last = ast.Expression(tree.body.pop().value)
    if tree.body:
        _evaluate(tree, file, "exec", main)
    return None if last is None else _evaluate(last, file, "eval", main)


def _evaluate(tree, file, mode, main):
    code = compile(tree, file, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, main)
    if code.co_flags & inspect.CO_COROUTINE:
        import asyncio

        return asyncio.run(result)
    return result


def display(*objects):
    """Show objects as results of the cell, in their rich forms."""
    for obj in objects:
        _displays.append(_bundle(obj) | {"text/plain": repr(obj)})


def _bundle(obj):
    bundle = {}
    kind = type(obj)
    if hasattr(kind, "_repr_mimebundle_"):
        made = obj._repr_mimebundle_()
        made = made[0] if isinstance(made, tuple) else made
        bundle |= {str(mime): data for mime, data in made.items() if _is_data(data, 0)}
    for method, mime in _MIMES.items():
        if mime not in bundle and hasattr(kind, method):
            data = getattr(obj, method)()
            data = data[0] if isinstance(data, tuple) else data
            if data is not None and _is_data(data, 0):
                bundle[mime] = data
    return bundle


def _take_figures():
    """Display the open figures of matplotlib, and close them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    import io

    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        data = io.BytesIO()
        figure.savefig(data, format="png", bbox_inches="tight")
        _displays.append({"image/png": data.getvalue(), "text/plain": repr(figure)})
    pyplot.close("all")


def _describe(error, file):
    """Return the class, the text, the traceback and the line of an exception, without the frames of this module."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    line = None
    if isinstance(error, SyntaxError) and error.filename == file:
        line = error.lineno
    inner = trace
    while inner is not None:
        if inner.tb_frame.f_code.co_filename == file:
            line = inner.tb_lineno
        inner = inner.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    try:
        message = str(error)
    except Exception:
        message = "<the exception has no text>"
    kind = type(error)
    return kind.__name__, kind.__module__, message, text, line


def _is_data(value, depth):
    kind = type(value)
    if kind in _ATOMS:
        return True
    if depth > 90:
        return False
    if kind is dict:
        return all(_is_data(k, depth + 1) and _is_data(v, depth + 1) for k, v in value.items())
    if kind in (tuple, list, set, frozenset):
        return all(_is_data(item, depth + 1) for item in value)
    if not arrays.is_array(kind) and not arrays.is_scalar(kind):
        return False
    import numpy

    # The type decides, and not the elements.
    return codec.is_shareable(numpy.empty(0, value.dtype))
