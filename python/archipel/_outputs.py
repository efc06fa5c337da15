"""The destinations of an interpreter's output."""

import sys


def _to_stdout(text):
    if sys.stdout is not None:
        sys.stdout.write(text)


def _to_stderr(text):
    if sys.stderr is not None:
        sys.stderr.write(text)


def writer(output, name):
    """Return the function that gets the text of an output, or None to discard it."""
    if output is None:
        return _to_stdout if name == "stdout" else _to_stderr
    # A program that has the constant has imported its module.
    subprocess = sys.modules.get("subprocess")
    if subprocess is not None and output == subprocess.DEVNULL:
        return None
    if callable(output):
        return output
    write = getattr(output, "write", None)
    if callable(write):
        return write
    raise TypeError(
        f"{name} must be a text file, a function, subprocess.DEVNULL or None, not {type(output).__name__}"
    )
