"""Functions that travel as source."""

import functools
import math
import textwrap
import unittest

import archipel

from . import samples


class Functions(unittest.TestCase):
    def test_functions_travel_with_what_they_refer_to(self):
        square = lambda x: x * x  # noqa: E731
        rows = [
            (samples.scale, (9,), 9.0),
            (samples.uses_table, ("a",), ([1, 2], ["1", "22"], [("a", 2)])),
            (samples.parse, ("<a/>",), "a"),
            (samples.recursive, (10,), 3628800),
            (samples.even, (10,), True),
            (samples.decorated, (1,), ["logged", 2]),
            (samples.uses_class, (1,), (3, "RED")),
            (samples.Point.make, (5,), 7),
            (samples.count_up, (3,), [0, 1, 2]),
            (samples.adder(10), (1,), 31),
            (samples.adder(20), (1,), 61),
            (square, (7,), 49),
            (lambda a, b=2: a + b, (1,), 3),
            (pow, (2, 5), 32),
            (math.sqrt, (16,), 4.0),
            (math.sqrt, (25,), 5.0),
            (str.upper, ("a",), "A"),
            (textwrap.indent, ("a", "> "), "> a"),
        ]
        with archipel.create() as island:
            for function, args, result in rows:
                self.assertEqual(island.call(function, *args), result, function)
                self.assertEqual(island.call(function, *args), result, function)

    def test_what_cannot_travel_is_named(self):
        made = {}
        exec("def nowhere(): pass", made)
        rows = [
            (samples.uses_lock, "'uses_lock' uses the global 'LOCK'"),
            (samples.with_lock(), "its variable 'lock'"),
            ([].append, "method of an object of type 'list'"),
            (samples.Point(1).total, "method of an object of type 'Point'"),
            (functools.partial(samples.scale, 1), "functools.partial"),
            (made["nowhere"], "source of 'nowhere' is not available"),
            (3, "object of type 'int'"),
        ]
        with archipel.create() as island:
            for function, text in rows:
                with self.assertRaises(archipel.NotShareableError) as caught:
                    island.call(function)
                self.assertIn(text, str(caught.exception))

    def test_a_traceback_shows_the_line(self):
        with archipel.create() as island:
            with self.assertRaises(archipel.ExecutionFailed) as caught:
                island.call(samples.fails)
            display = caught.exception.excinfo.errdisplay
            self.assertIn('raise ValueError("on purpose")', display)
            self.assertIn(f"line {samples.fails.__code__.co_firstlineno + 1}", display)
