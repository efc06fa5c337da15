"""The types of the package: the stubs agree with their modules, and all public names have types."""

import subprocess
import sys
import unittest


class Types(unittest.TestCase):
    def run_in_python(self, *arguments):
        done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=3600)
        return done.stdout + done.stderr

    def test_the_stubs_agree_with_their_modules(self):
        report = self.run_in_python(
            "mypy.stubtest", "archipel._archipel", "archipel.adapters.jupyter", "archipel.adapters.smolagents"
        )
        self.assertIn("Success: no issues found in 3 modules", report)

    def test_all_public_names_have_types(self):
        report = self.run_in_python(
            "pyright", "--ignoreexternal", "--pythonpath", sys.executable, "--verifytypes", "archipel"
        )
        self.assertIn("Type completeness score: 100%", report)
