"""Arrays of NumPy and frames of pandas on the host."""

import unittest

import numpy
import pandas

import archipel


class Arrays(unittest.TestCase):
    def same(self, value):
        recv, send = archipel.channel(1)
        send.send(value)
        return recv.recv()

    def test_arrays_are_copied(self):
        rows = [
            numpy.arange(6).reshape(2, 3),
            numpy.asfortranarray(numpy.ones((2, 3), "f4")),
            numpy.zeros((0, 2)),
            numpy.array(5.0),
            numpy.array(["a", "bc"]),
            numpy.array(["2026-01-01"], "M8[s]"),
            numpy.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
            numpy.arange(10)[::2],
        ]
        for array in rows:
            back = self.same([array])[0]
            self.assertEqual((back.dtype, back.shape), (array.dtype, array.shape))
            self.assertTrue((back == array).all())
            self.assertTrue(back.flags.writeable)
        with self.assertRaisesRegex(archipel.NotShareableError, r"\['a'\]: an array of dtype object"):
            self.same({"a": numpy.array([None])})

    def test_scalars_keep_their_types(self):
        values = [numpy.float32(1.5), numpy.int64(3), numpy.bool_(True), numpy.str_("a"), numpy.datetime64("2026-01-01")]
        for value in values:
            back = self.same(value)
            self.assertEqual((back, back.dtype), (value, value.dtype))

    def test_frames_are_columns(self):
        frame = pandas.DataFrame(
            {
                "number": [1, 2],
                "text": ["a", None],
                "time": pandas.to_datetime(["2026-01-01", "2026-01-02"]),
                "kind": pandas.Categorical(["x", "y"]),
                "whole": pandas.array([1, None], "Int64"),
            },
            index=[5, 6],
        )
        back = self.same(frame)
        self.assertEqual(list(back), list(frame.columns))
        self.assertEqual((back["number"].dtype, back["number"].tolist()), ("int64", [1, 2]))
        self.assertEqual(back["text"], ["a", None])
        self.assertEqual(back["time"].dtype.kind, "M")
        self.assertEqual((back["kind"], back["whole"]), (["x", "y"], [1, None]))
        self.assertEqual(self.same(frame["number"]).tolist(), [1, 2])
        twice = pandas.DataFrame([[1, 2]], columns=["a", "a"])
        with self.assertRaisesRegex(archipel.NotShareableError, "two columns 'a'"):
            self.same(twice)
        with self.assertRaisesRegex(archipel.NotShareableError, "Index"):
            self.same(frame.index)
