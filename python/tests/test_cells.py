"""Cells."""

import unittest

import archipel


class Cells(unittest.TestCase):
    def setUp(self):
        self.island = archipel.create()
        self.addCleanup(self.island.kill)

    def test_cells_have_values(self):
        rows = [
            ("", None, None),
            ("x = 1", None, None),
            ("x + 1", 2, "2"),
            ("x + 1;", None, None),
            ("object", None, "<class 'object'>"),
            ("def f():\n    return 5\nf()", 5, "5"),
            ("import asyncio\nawait asyncio.sleep(0, 'done')", "done", "'done'"),
            ("y = await asyncio.sleep(0, 3)\ny", 3, "3"),
            ("None", None, None),
        ]
        for source, value, text in rows:
            cell = self.island.cell(source)
            self.assertIsNone(cell.error, source)
            self.assertEqual((cell.value, cell.repr), (value, text))
        self.assertEqual(self.island.get("y"), 3)

    def test_output_is_captured_and_streamed(self):
        seen = []
        source = "import sys\nprint('out')\nprint('err', file=sys.stderr)\n1"
        cell = self.island.cell(source, stream=lambda name, text: seen.append((name, text)))
        self.assertEqual((cell.stdout, cell.stderr, cell.value), ("out\n", "err\n", 1))
        self.assertEqual(sorted(seen), [("stderr", "err\n"), ("stdout", "out\n")])
        self.assertEqual(self.island.cell("1").stdout, "")
        self.assertGreater(cell.usage.output, 0)
        self.assertEqual(cell.usage.memory, self.island.usage().memory.own)
        self.assertGreater(cell.usage.memory, 1 << 20)
        self.assertGreater(cell.seconds, 0)

    def test_errors_are_data(self):
        rows = [
            ("x = 1\n1 / 0", "ZeroDivisionError", 2),
            ("def f(:", "SyntaxError", 1),
            ("raise SystemExit(3)", "SystemExit", 1),
            ("def f():\n    raise KeyError('k')\n\nf()", "KeyError", 2),
        ]
        for source, name, line in rows:
            cell = self.island.cell(source)
            self.assertEqual((cell.error.type, cell.error.line), (name, line))
            self.assertIn(name, cell.error.traceback)
            self.assertNotIn("_archipel_cells", cell.error.traceback)
            self.assertIsNone(cell.error.exception)
        self.assertEqual(self.island.cell("x").value, 1)

    def test_rich_results_are_displayed(self):
        source = """
class Rich:
    def _repr_html_(self): return "<b>rich</b>"
    def __repr__(self): return "rich"
display("first")
Rich()
"""
        cell = self.island.cell(source)
        self.assertEqual(
            cell.displays,
            [{"text/plain": "'first'"}, {"text/html": "<b>rich</b>", "text/plain": "rich"}],
        )
        self.assertEqual((cell.value, cell.repr), (None, "rich"))

    def test_a_cell_beyond_its_limit_is_cancelled_and_the_next_one_runs(self):
        self.island.cell("x = 5")
        cell = self.island.cell("while True: pass", wall=0.1)
        self.assertEqual(cell.error.type, "Cancelled")
        self.assertEqual(self.island.cell("x").value, 5)
        for wall in (0, -1, "x"):
            with self.assertRaises(ValueError):
                self.island.cell("1", wall=wall)

    def test_the_end_of_the_interpreter_is_an_error_of_the_cell(self):
        with archipel.create(limits={"cpu": 2}) as island:
            cell = island.cell("print('before', flush=True)\nwhile True: pass")
            self.assertEqual((cell.error.type, cell.stdout), ("LimitExceeded", "before\n"))
            self.assertIsInstance(cell.error.exception, archipel.LimitExceeded)
            self.assertEqual(island.cell("1").error.type, "InterpreterDied")
