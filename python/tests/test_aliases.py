"""Aliases."""

import asyncio
import unittest

import archipel

from . import samples


class Aliases(unittest.TestCase):
    def test_functions_of_the_host_are_called(self):
        with archipel.create() as island:
            island.alias("add", lambda a, b=1, *rest: a + b + sum(rest))
            island.alias("settings.get", {"colour": "green"}.get, "colour")
            self.assertEqual(island.eval("add(1), add(1, b=2), settings.get()"), (2, 3, "green"))
            self.assertEqual(island.aliases(), ["add", "settings.get"])
            island.hide("add")
            self.assertEqual(island.hidden(), ["add"])
            self.assertEqual(island.invoke_hidden("add", 1, b=5), 6)
            self.assertTrue(island.expose("add"))
            self.assertTrue(island.unalias("add"))
            self.assertFalse(island.unalias("add"))

    def test_exceptions_reach_the_script_by_the_rules(self):
        def refuse():
            raise archipel.AliasError("no such key")

        def secret():
            raise ValueError("/secret/path")

        with archipel.create() as island:
            island.alias("refuse", refuse)
            island.alias("secret", secret)
            island.alias("wrong", object)
            island.alias("again", lambda: island.eval("1"))
            rows = [
                ("refuse", "no such key"),
                ("secret", "the command failed: ValueError"),
                ("wrong", "the result cannot be sent: the result: an object of type 'object' is not shareable"),
                ("again", "the command failed: InterpreterError"),
            ]
            for name, text in rows:
                with self.assertRaises(archipel.ExecutionFailed) as caught:
                    island.exec(f"{name}()")
                info = caught.exception.excinfo
                self.assertEqual((info.type.__name__, info.msg), ("AliasError", text))

    def test_help_shows_the_signature_and_the_docstring(self):
        def area(unit: str, width: float, height: "float" = 2) -> float:
            """Return the area of a rectangle."""

        with archipel.create() as island:
            island.alias("shapes.area", area, "cm")
            island.alias("odd", lambda value=object(): 1)
            island.exec("import inspect, pydoc")
            self.assertIn("(width: float, height: 'float' = 2) -> float", island.eval("pydoc.render_doc(shapes.area)"))
            self.assertEqual(island.eval("inspect.getdoc(shapes.area)"), "Return the area of a rectangle.")
            self.assertEqual(island.eval("odd()"), 1)
            island.reset()
            self.assertEqual(island.eval("shapes.area.__doc__"), "Return the area of a rectangle.")

    def test_invalid_aliases_are_refused(self):
        with archipel.create() as island:
            rows = [(TypeError, "f", 3), (ValueError, "not a name", print), (ValueError, "print", print)]
            rows.append((TypeError, 3, print))
            for error, name, target in rows:
                with self.assertRaises(error):
                    island.alias(name, target)

    def test_alias_all_lends_the_public_methods(self):
        class Store:
            def __init__(self):
                self.items = {}

            def set(self, key, value):
                self.items[key] = value

            def get(self, key):
                return self.items[key]

            def _private(self):
                pass

        with archipel.create() as island:
            store = Store()
            self.assertEqual(island.alias_all(store), ["store.get", "store.set"])
            island.exec("store.set('a', [1]); store.set('b', store.get('a'))")
            self.assertEqual(store.items, {"a": [1], "b": [1]})

    def test_functions_see_the_context_of_the_caller(self):
        with archipel.create() as island:
            island.alias("variable", samples.VARIABLE.get)
            samples.VARIABLE.set("set")
            self.assertEqual(island.eval("variable()"), "set")

    def test_coroutine_functions_work_without_a_loop(self):
        async def later(value):
            await asyncio.sleep(0.001)
            if value is None:
                raise archipel.AliasError("nothing")
            return value + 1

        with archipel.create() as island:
            island.alias("later", later)
            self.assertEqual(island.eval("later(1)"), 2)
            with self.assertRaises(archipel.ExecutionFailed) as caught:
                island.eval("later(None)")
            self.assertEqual(caught.exception.excinfo.msg, "nothing")
