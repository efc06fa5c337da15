"""The standard guest in the package, and the cache folder."""

import filecmp
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import archipel
from archipel import _archipel

_PACKAGE = pathlib.Path(archipel.__file__).parent


class Guest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The package as it is in a wheel.
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        package = cls.folder / "archipel"
        package.mkdir()
        for path in _PACKAGE.iterdir():
            if path.is_dir():
                shutil.copytree(path, package / path.name)
            else:
                (package / path.name).symlink_to(path)
        exported = cls.folder / "standard.wasm"
        cls.archipel(cls, "guest", "export", str(exported)).check_returncode()
        with lzma.open(package / "_inside" / "standard.wasm.xz", "wb", preset=0) as packed:
            packed.write(exported.read_bytes())
        cls.cache = cls.folder / "cache"

    def python(self, *arguments, **variables):
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            timeout=3600,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), **variables},
        )

    def archipel(self, *arguments, **variables):
        return Guest.python(self, "-m", "archipel", *arguments, **variables)

    def compile(self, cache):
        """Copy the compiled guest into a cache folder, because compiling it again would take long."""
        user = pathlib.Path(_archipel.cache_dir())
        compiled = cache / "compiled"
        compiled.mkdir(mode=0o700, parents=True)
        for component in user.glob("guest/*/python.wasm"):
            if filecmp.cmp(component, self.folder / "standard.wasm", shallow=False):
                for path in user.glob(f"compiled/{component.parent.name}-*"):
                    shutil.copy(path, compiled)

    def test_the_package_fills_an_empty_cache(self):
        cache = str(self.cache)
        self.compile(self.cache)
        # Without pip and npm, which a build of the guest would need.
        done = self.python(
            "-c", "import archipel; print(archipel.create().eval('1 + 1'))", ARCHIPEL_CACHE_DIR=cache, PATH=""
        )
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("2\n", "", 0))
        done = self.archipel("run", "-c", "print(6 * 7)", ARCHIPEL_CACHE_DIR=cache, PATH="")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("42\n", "", 0))
        self.assertEqual(self.archipel("run", "-c", "exit(3)", ARCHIPEL_CACHE_DIR=cache, PATH="").returncode, 3)

    def test_a_cache_that_cannot_be_used_is_reported(self):
        folder = self.folder / "shared"
        folder.mkdir()
        self.compile(folder)
        folder.chmod(0o777)
        source = """
import archipel, sys
try:
    archipel.prepare(cache_dir=sys.argv[1])
except archipel.InterpreterError as error:
    print(error)
print(archipel.Runtime(cache_dir=sys.argv[1]).create().eval("1 + 1"))
"""
        done = self.python("-c", source, str(folder), PATH="")
        text = f"cannot use the cache folder {folder} (pass another cache_dir, or set ARCHIPEL_CACHE_DIR)\n2\n"
        self.assertEqual((done.stdout, done.returncode), (text, 0), done.stderr)
        self.assertIn("so each start takes seconds", done.stderr)
        self.assertEqual(done.stderr.count("RuntimeWarning"), 1)
        self.assertFalse((folder / "guest").exists())
