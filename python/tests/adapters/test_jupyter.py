"""The kernel for Jupyter, with the real clients."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

import archipel

_PLOT = """
class Plot:
    def _repr_png_(self):
        return b"\\x89PNG"
    def __repr__(self):
        return "<plot>"
Plot()
"""


class Jupyter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        path = os.pathsep.join([str(pathlib.Path(archipel.__file__).parent.parent), *sys.path])
        variables = {"PYTHONPATH": path, "JUPYTER_PATH": os.path.join(folder.name, "share", "jupyter")}
        patched = mock.patch.dict(os.environ, variables)
        patched.start()
        cls.addClassCleanup(patched.stop)
        done = subprocess.run(
            [sys.executable, "-m", "archipel", "kernel", "install", "--prefix", folder.name],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and "installed the kernel archipel" in done.stdout, done

    def test_a_notebook_runs(self):
        cells = [
            "x = 6\nprint('hello')",
            "x * 7",
            "import os; os.listdir('/home')",
            _PLOT,
            "import sys; 'wasi' in sys.platform",
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        NotebookClient(notebook, kernel_name="archipel", allow_errors=True, timeout=300).execute()
        outputs = [cell.outputs for cell in notebook.cells]
        self.assertEqual((outputs[0][0].name, outputs[0][0].text), ("stdout", "hello\n"))
        self.assertEqual(outputs[1][0].data, {"text/plain": "42"})
        self.assertEqual(outputs[2][0].ename, "FileNotFoundError")
        self.assertEqual(outputs[3][0].data["image/png"].strip(), "iVBORw==")
        self.assertEqual(outputs[4][0].data, {"text/plain": "True"})

    def test_a_cell_is_interrupted_and_names_are_completed(self):
        manager = KernelManager(kernel_name="archipel")
        manager.start_kernel()
        self.addCleanup(manager.shutdown_kernel, now=True)
        client = manager.blocking_client()
        client.start_channels()
        self.addCleanup(client.stop_channels)
        client.wait_for_ready(timeout=300)

        def interrupt(message):
            if message["msg_type"] == "stream":
                manager.interrupt_kernel()

        source = "print('begun', flush=True)\nwhile True: pass"
        reply = client.execute_interactive(source, output_hook=interrupt, timeout=300)
        self.assertEqual((reply["content"]["status"], reply["content"]["ename"]), ("error", "KeyboardInterrupt"))
        reply = client.execute_interactive("name_of_this = 1", timeout=300)
        self.assertEqual(reply["content"]["status"], "ok")
        client.complete("name_of_t")
        self.assertEqual(client.get_shell_msg(timeout=300)["content"]["matches"], ["name_of_this"])
