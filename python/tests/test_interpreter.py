"""Interpreters: jobs, values, errors, limits, policies, outputs and life."""

import io
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest
from collections import OrderedDict, namedtuple

import archipel

Point = namedtuple("Point", "x y")


class Jobs(unittest.TestCase):
    def test_state_persists_between_jobs(self):
        with archipel.create(name="plugin") as island:
            self.assertIsNone(island.exec("x = 20"))
            island.prepare_main({"y": 1}, z=[1])
            self.assertEqual(island.eval("x + y + len(z)"), 22)
            self.assertEqual(island.get("x"), 20)
            island.exec("def area(w, h, *, scale=1): return w * h * scale")
            self.assertEqual(island.call("area", 2, 3.5, scale=2), 14.0)
            self.assertEqual(island.call("area.__name__.upper"), "AREA")
            self.assertEqual(island.call(eval, "area(x, y)"), 20)
            self.assertIsNone(island.call(exec, "z = 5"))
            self.assertEqual(island.get("z"), 5)
            self.assertIn("name='plugin'", repr(island))

    def test_two_interpreters_share_nothing(self):
        with archipel.create() as one, archipel.create() as two:
            one.exec("x = 1")
            with self.assertRaises(archipel.ExecutionFailed):
                two.eval("x")

    def test_run_returns_the_exit_status(self):
        err = io.StringIO()
        with archipel.create(stderr=err) as island:
            self.assertEqual(island.run("import sys; sys.exit(int(sys.argv[1]))", args=["3"]), 3)
        with archipel.create(stderr=err) as island:
            self.assertEqual(island.run("1 / 0"), 1)
        self.assertIn("ZeroDivisionError", err.getvalue())

    def test_fork_and_reset(self):
        with archipel.create() as island:
            island.exec("x = [1]")
            with island.fork() as fork:
                fork.exec("x.append(2)")
                self.assertEqual(fork.get("x"), [1, 2])
            self.assertEqual(island.get("x"), [1])
            island.reset()
            with self.assertRaises(archipel.ExecutionFailed):
                island.get("x")

    def test_wrong_arguments_are_refused(self):
        with archipel.create() as island:
            rows = [
                (TypeError, lambda: island.exec(b"1")),
                (TypeError, lambda: island.eval(None)),
                (TypeError, lambda: island.prepare_main([1])),
                (TypeError, lambda: island.cancel(3)),
                (TypeError, lambda: archipel.create(name=3)),
                (TypeError, lambda: archipel.create(limits=3)),
                (TypeError, lambda: archipel.create(policy=3)),
                (TypeError, lambda: archipel.create(stdout=3)),
                (TypeError, lambda: archipel.create("x")),
                (ValueError, lambda: archipel.create(safe=False)),
                (ValueError, lambda: island.prepare_main({})),
                (ValueError, lambda: island.get("not a name")),
                (ValueError, lambda: island.exec("\ud800")),
            ]
            for error, act in rows:
                with self.assertRaises(error):
                    act()
            self.assertEqual(island.eval("1"), 1)


class Values(unittest.TestCase):
    def test_values_cross_both_ways(self):
        rows = [
            None,
            True,
            False,
            0,
            -1,
            2**63,
            -(2**63) - 1,
            10**1000,
            0.0,
            -0.0,
            1.5,
            math.inf,
            1 + 2j,
            "",
            "gr\u00fc\u00df\U0001f600",
            "\ud800 alone",
            b"\x00\xff",
            bytearray(b"abc"),
            (),
            (1, (2,)),
            [],
            [1, [2]],
            {},
            {"a": 1, 2: (3, None), None: b""},
            set(),
            {1, "a"},
            frozenset({1, 2}),
            {"deep": [({"set": {1}},)]},
        ]
        with archipel.create() as island:
            island.exec("def same(value): return value")
            for value in rows:
                back = island.call("same", value)
                self.assertEqual((back, type(back)), (value, type(value)))
                island.prepare_main(value=value)
                self.assertEqual(island.eval("value"), value)
                self.assertEqual(island.eval("type(value).__name__"), type(value).__name__)
            self.assertTrue(math.isnan(island.call("same", math.nan)))
            self.assertEqual(math.copysign(1, island.call("same", -0.0)), -1)
            view = island.call("same", memoryview(b"xyz")[1:])
            self.assertEqual((type(view), bytes(view)), (memoryview, b"yz"))

    def test_other_objects_are_refused_with_their_path(self):
        loop = []
        loop.append(loop)
        deep = None
        for _ in range(150):
            deep = [deep]
        rows = [
            (object(), "args[0]: an object of type 'object' is not shareable"),
            ([1, {"k": (object(),)}], "args[0][1]['k'][0]: an object of type 'object'"),
            ({object(): 1}, "args[0].key: an object of type 'object'"),
            (Point(1, 2), "Point' is not shareable"),
            (OrderedDict(), "OrderedDict' is not shareable"),
            (print, "args[0]: an object of type 'builtin_function_or_method'"),
            (loop, "a container that contains itself is not shareable"),
            (deep, "nested deeper than 100 levels"),
            ([archipel.channel()[0]], "args[0][0]: a channel end travels only as an argument"),
        ]
        with archipel.create() as island:
            for value, text in rows:
                with self.assertRaises(archipel.NotShareableError) as caught:
                    island.call("print", value)
                self.assertIn(text, str(caught.exception))
                self.assertIsInstance(caught.exception, TypeError)
            with self.assertRaises(archipel.NotShareableError) as caught:
                island.prepare_main(name=[object()])
            self.assertIn("name[0]", str(caught.exception))
            with self.assertRaises(archipel.ExecutionFailed) as caught:
                island.eval("object()")
            self.assertEqual(caught.exception.excinfo.type.__name__, "NotShareableError")


class Errors(unittest.TestCase):
    def test_an_exception_is_described(self):
        with archipel.create() as island:
            with self.assertRaises(archipel.ExecutionFailed) as caught:
                island.exec("class E(Exception): pass\nraise E('why')")
            info = caught.exception.excinfo
            self.assertEqual((info.type.__name__, info.type.__module__, info.msg), ("E", "__main__", "why"))
            self.assertEqual(info.formatted, "E: why")
            self.assertIn("line 2", info.errdisplay)
            self.assertIn("line 2", str(caught.exception))
            self.assertIsInstance(caught.exception, archipel.Error)
            self.assertEqual(island.eval("1"), 1)

    def test_use_after_close_is_an_error(self):
        for end in ("close", "kill"):
            island = archipel.create()
            getattr(island, end)()
            with self.assertRaises(archipel.InterpreterNotFoundError):
                island.exec("1")
            self.assertIsNone(getattr(island, end)())

    def test_a_running_interpreter_refuses_a_second_call(self):
        with archipel.create() as island:
            recv, send = archipel.channel()
            island.prepare_main(recv=recv)
            thread = threading.Thread(target=island.exec, args=("recv.recv()",))
            thread.start()
            while not island.is_running():
                pass
            for act in (lambda: island.exec("1"), island.close):
                with self.assertRaises(archipel.InterpreterError):
                    act()
            send.send(1)
            thread.join()
            self.assertEqual(island.eval("1"), 1)

    def test_limits_stop_the_interpreter(self):
        with archipel.create(limits={"cpu": 0.2}) as island:
            with self.assertRaises(archipel.LimitExceeded) as caught:
                island.exec("while True: pass")
            error = caught.exception
            self.assertEqual((error.kind, error.limit), ("cpu", 0.2))
            self.assertGreaterEqual(error.used, 0.2)
            with self.assertRaises(archipel.InterpreterError):
                island.eval("1")

    def test_invalid_limits_are_refused(self):
        rows = [
            ({"cpu": math.nan}, ValueError),
            ({"cpu": math.inf}, ValueError),
            ({"cpu": -1}, ValueError),
            ({"wall": 0}, ValueError),
            ({"memory": 1.5}, ValueError),
            ({"memory": 1000}, ValueError),
            ({"memory": True}, TypeError),
            ({"memory": "1"}, TypeError),
            ({"speed": 1}, TypeError),
            ({"fuel": 1}, ValueError),
        ]
        with archipel.create() as island:
            for limits, error in rows:
                with self.assertRaises(error):
                    archipel.create(limits=limits)
                if "fuel" not in limits:
                    with self.assertRaises(error):
                        island.limit(**limits)

    def test_on_limit_can_raise_a_limit(self):
        seen = []

        def more(reached):
            seen.append((reached.kind, reached.interpreter))
            return reached.limit * 200

        with archipel.create() as island:
            island.limit(cpu=0.05, on_limit=more)
            island.exec("sum(1 for _ in range(3_000_000))")
            self.assertIn(("cpu", island), seen)
            self.assertGreater(island.usage().cpu.limit, 0.05)

    def test_cancel_interrupt_and_kill(self):
        loop = "while True: pass"
        rows = [
            (lambda i: i.cancel("why", unwind=True), archipel.Cancelled, "why"),
            (lambda i: i.kill(), archipel.InterpreterDied, "killed"),
            (lambda i: i.cancel("why"), archipel.ExecutionFailed, "Cancelled: why"),
            (lambda i: i.interrupt(), archipel.ExecutionFailed, "KeyboardInterrupt"),
        ]
        for stop, error, text in rows:
            with archipel.create() as island:
                caught = []

                def job():
                    try:
                        island.exec(loop)
                    except archipel.Error as error:
                        caught.append(error)

                thread = threading.Thread(target=job)
                thread.start()
                while not island.is_running():
                    pass
                stop(island)
                thread.join()
                self.assertIs(type(caught[0]), error)
                self.assertIn(text, str(caught[0]))


class Runtimes(unittest.TestCase):
    def test_prewarmed_is_a_number_or_a_dict_by_image(self):
        for prewarmed in 2, {None: 2}, {}:
            with self.subTest(prewarmed):
                runtime = archipel.Runtime(workers=1, max_interpreters=2, prewarmed=prewarmed)
                self.assertEqual(runtime.create().eval("1 + 1"), 2)
        with self.assertRaisesRegex(archipel.InterpreterError, "absent-image"):
            archipel.Runtime(workers=1, prewarmed={"absent-image": 1})


class Policies(unittest.TestCase):
    def test_policies_have_three_forms(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "data").mkdir()
            (folder / "data" / "a.txt").write_text("hello")
            text = '[dirs]\n"/data" = { host = "data", access = "ro" }\n[limits]\noutput = 5\n'
            (folder / "policy.toml").write_text(text)
            grant = {"dirs": {"/data": {"host": folder / "data", "access": "ro"}}, "env": {"A": 'b"\\\n'}}
            toml = f'[dirs]\n"/data" = {{ host = "{folder}/data", access = "ro" }}\n'
            for policy in (folder / "policy.toml", grant, toml):
                with archipel.create(policy=policy, stdout=subprocess.DEVNULL) as island:
                    self.assertEqual(island.eval("open('/data/a.txt').read()"), "hello")
                    with self.assertRaises(archipel.ExecutionFailed):
                        island.exec("open('/data/b.txt', 'w')")
            with archipel.create(policy=grant) as island:
                self.assertEqual(island.eval("__import__('os').environ['A']"), 'b"\\\n')
            with archipel.create(policy=folder / "policy.toml") as island:
                self.assertEqual(island.usage().output.limit, 5)

    def test_invalid_policies_are_refused(self):
        rows = [
            ("nonsense = 1", ValueError, "nonsense"),
            ({"nonsense": 1}, ValueError, "nonsense"),
            ({"env": {1: "x"}}, TypeError, "policy['env'] has the key 1"),
            ({"env": {"x": object()}}, TypeError, "policy['env']['x']"),
            (pathlib.Path("/no/such/file.toml"), ValueError, "does not exist"),
            ("file.toml", ValueError, "pathlib.Path"),
        ]
        for policy, error, text in rows:
            with self.assertRaises(error) as caught:
                archipel.create(policy=policy)
            self.assertIn(text, str(caught.exception))


class Outputs(unittest.TestCase):
    def test_output_reaches_its_destination_in_order(self):
        out, err = io.StringIO(), []
        with archipel.create(stdout=out, stderr=err.append) as island:
            for number in range(3):
                island.exec(f"import sys; print({number}, 'gr\u00fc\u00df'); print('e', file=sys.stderr)")
                self.assertEqual(out.getvalue().splitlines()[-1], f"{number} gr\u00fc\u00df")
            island.exec("for n in range(100_000): print(n)")
            self.assertEqual(out.getvalue().splitlines()[3:], [str(n) for n in range(100_000)])
        self.assertEqual("".join(err), "e\n" * 3)

    def test_output_goes_to_the_current_stdout(self):
        before, sys.stdout = sys.stdout, io.StringIO()
        try:
            with archipel.create() as island:
                sys.stdout = io.StringIO()
                island.exec("print('hello')")
                self.assertEqual(sys.stdout.getvalue(), "hello\n")
        finally:
            sys.stdout = before

    def test_output_comes_while_a_job_runs(self):
        recv, send = archipel.channel()
        arrived = threading.Event()
        with archipel.create(stdout=lambda text: arrived.set()) as island:
            island.prepare_main(recv=recv)
            thread = threading.Thread(target=island.exec, args=("print('first', flush=True); recv.recv()",))
            thread.start()
            self.assertTrue(arrived.wait(60))
            send.send(None)
            thread.join()

    def test_an_exception_of_the_writer_is_raised(self):
        def fail(text):
            raise RuntimeError("full")

        with archipel.create(stdout=fail) as island:
            with self.assertRaisesRegex(RuntimeError, "full"):
                island.exec("print('x')")


class Process(unittest.TestCase):
    def run_script(self, source):
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout, done.stderr

    @unittest.skipUnless(hasattr(os, "fork"), "this system has no fork")
    def test_a_forked_child_is_refused(self):
        script = """
import archipel, os, sys
island = archipel.create()
pid = os.fork()
if pid == 0:
    try:
        island.exec("1")
    except archipel.Error as error:
        print("forked process" in str(error), flush=True)
    del island
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
print(island.eval("1 + 1"))
"""
        self.assertEqual(self.run_script(script)[:2], (0, "True\n7\n2\n"))

    def test_a_free_threaded_build_is_refused(self):
        script = """
import sys
sys._is_gil_enabled = lambda: False
try:
    import archipel
except ImportError as error:
    print(error)
"""
        self.assertIn("free-threaded build of Python", self.run_script(script)[1])

    def test_the_import_leaves_out_what_most_programs_do_not_use(self):
        script = """
import sys
before = set(sys.modules)
import archipel
print(sorted({"asyncio", "concurrent.futures", "dataclasses", "inspect", "ast"} & set(sys.modules) - before))
print(all(getattr(archipel, name) for name in archipel.__all__))
"""
        self.assertEqual(self.run_script(script), (0, "[]\nTrue\n", ""))

    def test_the_end_of_the_process_stops_everything(self):
        script = """
import archipel, threading, time
island = archipel.create()
island.alias("nap", time.sleep)
thread = threading.Thread(target=island.exec, args=("while True: nap(0.01)",), daemon=True)
thread.start()
while not island.is_running(): pass
print("end")
"""
        status, out, _ = self.run_script(script)
        self.assertEqual((status, out), (0, "end\n"))

    def test_ctrl_c_interrupts_the_guest(self):
        script = """
import archipel, os, signal, threading
island = archipel.create()
def interrupt():
    while not island.is_running(): pass
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    island.exec("import time\\nwhile True: time.sleep(1)")
except KeyboardInterrupt:
    print("interrupted", island.eval("1 + 1"))
recv, send = archipel.channel()
try:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    recv.recv()
except KeyboardInterrupt:
    print("interrupted")
"""
        self.assertEqual(self.run_script(script)[:2], (0, "interrupted 2\ninterrupted\n"))
