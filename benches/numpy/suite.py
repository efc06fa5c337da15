"""Runs a file of NumPy's or pandas' own test suite, and prints the number of tests by outcome, and the failed ones.

Unpack the source distribution, which the build of the wheel has left in the folder `sources` of the cache, and run the
files natively and in an image, each in a new interpreter:

    archipel image build numpy ~/.cache/archipel/wheels/numpy_tests-*.whl pytest hypothesis --name numpy-tests
    tar -xzf ~/.cache/archipel/sources/numpy-2.5.5.tar.gz
    files=$(cd numpy-2.5.5 && ls numpy/tests/test_*.py numpy/*/tests/test_*.py)
    archipel map --image numpy-tests --dir numpy-2.5.5::/src --max-tmp 1GiB benches/numpy/suite.py /src ::: $files > guest.txt
    for file in $files; do python3.14 benches/numpy/suite.py numpy-2.5.5 $file; done > native.txt

Each line of the output has the file, `passed N`, `failed N`, `skipped N`, or `FAILED TEST: REASON`.
"""

import glob
import importlib.util
import io
import sys
from collections import Counter
from pathlib import PurePosixPath

import pytest

ROOT, FILE = sys.argv[1:]


class Outcomes:
    """Counts the outcomes of tests."""

    def __init__(self):
        self.count = Counter()
        self.failed = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.add(report.outcome, report)

    def pytest_collectreport(self, report):
        if report.failed:
            self.add("failed", report)

    def add(self, outcome, report):
        expected = hasattr(report, "wasxfail")
        self.count["expected to fail" if expected else outcome] += 1
        if outcome == "failed" and not expected:
            lines = str(report.longrepr).splitlines()
            reasons = [line[1:].strip() for line in lines if line.startswith("E ")] or lines[-1:]
            self.failed.append(f"FAILED {report.nodeid}: {' '.join(reasons)[:200]}")


# Some files import others, and an image has no files of tests.
package = importlib.import_module(FILE.split("/")[0])
package.__path__.append(f"{ROOT}/{package.__name__}")
for folder in glob.glob(f"{ROOT}/{FILE.split('/')[0]}/**/tests", recursive=True):
    try:
        package = importlib.import_module(folder.removeprefix(f"{ROOT}/").replace("/", "."))
    except (ImportError, pytest.skip.Exception):
        continue
    package.__path__.append(folder)

outcomes = Outcomes()
# The installed package is tested: the folder has its sources without compiled modules.
options = ["--import-mode=importlib", "--noconftest"]
for folder in list(PurePosixPath(FILE).parents)[-2::-1]:
    name = f"{folder}/conftest".replace("/", ".")
    if importlib.util.find_spec(name):
        options += ["-p", name]
options += ["-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:logging"]
printed, sys.stdout = sys.stdout, io.StringIO()
status = pytest.main([*options, "--capture=sys", "-qq", "-W", "ignore", f"{ROOT}/{FILE}"], plugins=[outcomes])
written, sys.stdout = sys.stdout, printed
if not outcomes.count:
    print(FILE, status, written.getvalue())
for outcome, count in sorted(outcomes.count.items()):
    print(FILE, outcome, count)
for line in outcomes.failed:
    print(line)
