"""The command line: `python.wasm script.py arguments...`, and the other forms that `python3` accepts."""

import os
import runpy
import sys
import zipfile

from command_world.imports import environment, exit
from wit_world.exports.guest import Script

from _island import run, scripts

_USAGE = """\
usage: {0} [option] ... [-c cmd | -m mod | file | -] [arg] ...

  -c cmd  run source text
  -m mod  run a module as a script
  -       run standard input (the default without a file)
  -B      do not write .pyc files
  -E      ignore PYTHONPATH
  -P      do not import from the folder of the script
  -I      isolated: -E and -P
  -u      do not buffer output
  -V      print the version
  -h      print this help
  -q, -R, -s and -S are accepted without effect

Scripts see only the folders that the host grants: `wasmtime run --dir . {0} script.py`.
"""

# Options that have no effect here.
_IGNORED = "qRsS"

_BAD_USAGE = 2


class Run:
    """The export of `wasi:cli/run`."""

    def run(self):
        status = _run(environment.get_arguments() or ["python.wasm"])
        if status:
            exit.exit_with_code(status)


class _Usage(Exception):
    """The command line is invalid."""


class _Options:
    """The parsed command line."""

    def __init__(self, words):
        self.flags = set()
        # The kind of source (`c`, `m`, or None for a file), and its text; None for standard input.
        self.mode = self.subject = None
        words = list(words)
        while words and self.mode is None and words[0].startswith("-") and words[0] != "-":
            self._take(words.pop(0), words)
            if "-" in self.flags:
                break
        if self.mode is None and words:
            self.subject = words.pop(0)
        self.arguments = words

    def _take(self, word, words):
        long = {"--help": "h", "--version": "V", "--": "-"}.get(word)
        if long is not None:
            self.flags.add(long)
            return
        for index, letter in enumerate(word[1:], 1):
            if letter in "cm":
                if index + 1 < len(word):
                    self.subject = word[index + 1 :]
                elif words:
                    self.subject = words.pop(0)
                else:
                    raise _Usage(f"argument expected for the -{letter} option")
                self.mode = letter
                return
            if letter in "BEPIuVh":
                self.flags.add(letter)
            elif letter not in _IGNORED:
                raise _Usage(f"unknown option: {word}")


def _run(words):
    """Carry out the command line, and return the exit status."""
    name = words[0]
    sys.executable, sys.orig_argv = name, words
    try:
        options = _Options(words[1:])
    except _Usage as error:
        return _fail(f"{error}\n{_USAGE.format(name)}")
    if "h" in options.flags:
        print(_USAGE.format(name), end="", flush=True)
        return 0
    if "V" in options.flags:
        print(f"Python {sys.version.split()[0]}", flush=True)
        return 0
    sys.dont_write_bytecode = "B" in options.flags
    if "u" in options.flags:
        sys.stdout.reconfigure(write_through=True)
    run.begin(options.flags.isdisjoint("EI"))
    beside = options.flags.isdisjoint("PI")
    if options.mode == "c":
        return _source(options.subject.encode(), "<string>", "" if beside else None, options)
    if options.mode == "m":
        return _module(options.subject, "-m", os.getcwd() if beside else None, options)
    if options.subject in (None, "-"):
        if options.subject is None and sys.stdin.isatty():
            return run.to_the_end(_interact)
        source = sys.stdin.buffer.read()
        return _source(source, "<stdin>", "" if beside else None, options)
    return _file(options.subject, beside, options)


def _fail(why):
    print(why, file=sys.stderr, end="" if why.endswith("\n") else "\n")
    return _BAD_USAGE


def _file(path, beside, options):
    try:
        if os.path.isdir(path) or path.endswith((".zip", ".pyz")) and zipfile.is_zipfile(path):
            return _module("__main__", path, path, options)
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        why = f"{sys.executable}: can't open file {path!r}: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            why += " (grant its folder, for example with --dir)"
        return _fail(why)
    folder = os.path.dirname(os.path.realpath(path)) if beside else None
    return _source(source, path, folder, options)


def _source(source, name, folder, options):
    return run.Guest().run(Script(source, name, folder, options.arguments))


def _module(name, argv_0, folder, options):
    sys.argv = [argv_0, *options.arguments]
    if folder is not None:
        sys.path.insert(0, folder)
    return run.to_the_end(lambda: runpy._run_module_as_main(name, alter_argv=argv_0 == "-m"))


def _interact():
    import code

    code.interact(local=scripts.main(), exitmsg="")
