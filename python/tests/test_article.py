"""The programs of the article that the project started from, on the host."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

import archipel
from archipel import interpreters

_HERE = pathlib.Path(__file__).resolve().parent
_FOLDERS = [_HERE / "article", _HERE.parent.parent / "examples" / "article"]


class Article(unittest.TestCase):
    def test_the_programs_print_what_they_print_in_a_guest(self):
        programs = sorted(next(folder for folder in _FOLDERS if folder.exists()).glob("*.py"))
        self.assertGreater(len(programs), 4)
        for program in programs:
            text = program.read_text("utf-8")
            expected = re.findall("^#: stdout (.*)$", text, re.M)
            done = subprocess.run(
                [sys.executable, "-c", text.replace("import interpreters", "from archipel import interpreters")],
                capture_output=True,
                text=True,
                timeout=300,
                env={**os.environ, "PYTHONPATH": str(pathlib.Path(archipel.__file__).parent.parent)},
            )
            # Threads of the host start at once, so the order of lines can differ.
            self.assertEqual((sorted(done.stdout.splitlines()), done.stderr), (sorted(expected), ""), program)


class Names(unittest.TestCase):
    def test_interpreters_are_listed_until_they_are_closed(self):
        one, two = interpreters.create(), interpreters.create()
        self.assertEqual([each for each in interpreters.list_all() if each in (one, two)], [one, two])
        one.close()
        self.assertNotIn(one, interpreters.list_all())
        thread = two.call_in_thread(print)
        thread.join()
        two.close()

    def test_data_and_channel_ends_are_shareable(self):
        recv, send = interpreters.create_channel()
        for obj, shareable in [(1, True), ([{"a": b""}], True), (recv, True), (object(), False), (print, False)]:
            self.assertEqual(interpreters.is_shareable(obj), shareable)
