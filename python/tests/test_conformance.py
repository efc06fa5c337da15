"""The rows of `tests/conformance`, which describe the library inside of interpreters, as host programs."""

import concurrent.futures
import importlib.util
import pathlib
import sys
import types
import unittest
from unittest import mock

import archipel
from archipel import interpreters

_HERE = pathlib.Path(__file__).resolve().parent
_FOLDER = next(
    folder
    for folder in (_HERE / "conformance", _HERE.parent.parent / "tests" / "conformance")
    if folder.exists()
)

_QUEUES = "the host has channels and no queues"
_HOST = "the host is not an interpreter, so it is not listed, has no number, and counts as able to act"
_DATA = "the host accepts only data, and pickles nothing"
_NAMES = "the host also takes the name of a function"
_SOURCE = "the host runs source text only, which can have the syntax of another version of Python"
_ERRORS = "the host raises ExecutionFailed, and not the exception of the interpreter"
_CHILDREN = "an interpreter of the host has no children unless its policy grants them"

# The rows that do not hold on the host, with the reason.
DIFFERENCES = {
    "select_and_spawn": {
        "queues": _QUEUES,
        "children": _DATA,
        "spawned_functions": _DATA,
        "results": _QUEUES,
        "failed": _HOST,
        "not_sent": _HOST,
        "interpreters_end": _HOST,
        "cancelled": _HOST,
        "deadlock_with_oneself": _HOST,
        "deadlock_with_others": _HOST,
    },
    "execution": {
        "binds_a_queue": _QUEUES,
        "binding_in_a_running_one": _HOST,
        "runs_functions": _SOURCE,
        "runs_code_objects": _SOURCE,
        "functions_that_are_not_scripts": _SOURCE,
        "syntax_errors": _SOURCE,
        "runs_bytes": _SOURCE,
        "refused_while_running": _QUEUES,
        "refused_on_itself": _HOST,
    },
    "pool": {
        "other_interpreters": _HOST,
        "parallel": _QUEUES,
        "map_with_a_buffer": "`buffersize` is new in CPython 3.14",
        "map_with_a_bad_buffer": "`buffersize` is new in CPython 3.14",
        "map_times_out": _QUEUES,
        "map_raises": _ERRORS,
        "initializer_with_a_queue": _QUEUES,
        "worker_that_dies": "another interpreter replaces one that dies, and the pool goes on",
        "objects_that_cannot_be_sent": _DATA,
        "tasks_that_exit": _ERRORS,
        "default_count": "the attribute is private",
        "bad_initializers": _NAMES,
        "scripts": _NAMES,
        "objects_that_are_not_callable": "the error is NotShareableError, a TypeError",
        "names_of_workers": "no thread runs the calls",
        "pools_in_workers": _CHILDREN,
    },
    "pool_futures": {
        "exceptions_as_they_are": _ERRORS,
        "exceptions_have_a_cause": _ERRORS,
        "as_they_complete_in_any_order": _QUEUES,
        "as_they_complete_in_time": _QUEUES,
        "waiting_for_some": _QUEUES,
        "results_in_time": _QUEUES,
        "cancelling_what_waits": _QUEUES,
        "cancelling_what_runs": _QUEUES,
        "shut_down_frees_the_workers": _HOST,
        "shut_down_without_waiting": _QUEUES,
        "shut_down_cancelling": _QUEUES,
    },
}


def _load(name, file):
    spec = importlib.util.spec_from_file_location(name, _FOLDER / f"{file}.py")
    # It stays, because functions travel with the module that defines them.
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _rows(file):
    """Return the rows of a file, as functions by their names, in which the modules of the guest are the host's."""
    rows = {}

    def row(source):
        return lambda function: rows.setdefault(function.__name__, function)

    pool = types.ModuleType("concurrent.futures.interpreter")
    pool.BrokenInterpreterPool = archipel.BrokenInterpreterPool
    pool.InterpreterPoolExecutor = archipel.InterpreterPoolExecutor
    modules = {
        "interpreters": interpreters,
        "concurrent.interpreters": interpreters,
        pool.__name__: pool,
    }
    executor = mock.patch.object(
        concurrent.futures, "InterpreterPoolExecutor", archipel.InterpreterPoolExecutor, create=True
    )
    package = mock.patch.object(concurrent, "interpreters", interpreters, create=True)
    with mock.patch.dict(sys.modules, modules), executor, package:
        runner = sys.modules["runner"] = _load("conformance_runner", "runner")
        vars(runner).update(row=row, run=lambda: None, CRASH="import os; os.abort()")
        _load(f"conformance_{file}", file)
    return rows


class Rows(unittest.TestCase):
    def test_rows_hold_on_the_host_except_for_the_differences(self):
        held = 0
        for file, differences in DIFFERENCES.items():
            rows = _rows(file)
            self.assertEqual([name for name in differences if name not in rows], [], file)
            for name, function in rows.items():
                if name not in differences:
                    with self.subTest(f"{file}::{name}"):
                        function()
                        held += 1
        self.assertGreater(held, 50)
