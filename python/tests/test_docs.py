"""The examples in the docstrings of the package and in its chapter of the book."""

import doctest
import importlib
import os
import pathlib
import pkgutil
import re
import subprocess
import sys
import tempfile
import unittest

import archipel


def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(archipel))
    for module in pkgutil.iter_modules(archipel.__path__, "archipel."):
        if module.name not in ("archipel._archipel", "archipel.__main__"):
            tests.addTests(doctest.DocTestSuite(importlib.import_module(module.name)))
    return tests


class Chapter(unittest.TestCase):
    def test_the_samples_print_what_the_chapter_says(self):
        here = pathlib.Path(__file__).resolve().parent
        pages = [here / "python-host.md", here.parent.parent / "docs" / "python-host.md"]
        text = next(page for page in pages if page.exists()).read_text("utf-8")
        samples = re.findall(r"^```py\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", text, re.M | re.S)
        self.assertGreater(len(samples), 1)
        for source, expected in samples:
            with tempfile.TemporaryDirectory() as folder:
                script = pathlib.Path(folder, "sample.py")
                script.write_text(source, "utf-8")
                done = subprocess.run(
                    [sys.executable, script],
                    capture_output=True,
                    text=True,
                    timeout=300,
                    env={**os.environ, "PYTHONPATH": str(pathlib.Path(archipel.__file__).parent.parent)},
                )
            self.assertEqual((done.stdout, done.stderr), (expected, ""), source)


class Names(unittest.TestCase):
    def test_every_public_name_has_a_docstring(self):
        for name in archipel.__all__:
            thing = getattr(archipel, name)
            self.assertTrue(thing.__doc__, name)
            self.assertEqual(thing.__module__ if isinstance(thing, type) else "archipel", "archipel", name)
            for part, value in vars(thing).items() if isinstance(thing, type) else ():
                if not part.startswith("_") and callable(value):
                    self.assertTrue(value.__doc__, f"{name}.{part}")

    def test_the_host_has_the_names_of_the_guest(self):
        with archipel.create() as island:
            island.exec("import archipel")
            guest = island.eval("{name: callable(getattr(archipel, name)) for name in archipel.__all__}")
        # An interpreter lends these to its children, and reads its own usage.
        missing = {"share", "transfer", "usage"}
        self.assertEqual({name for name in guest if not hasattr(archipel, name)}, missing)
