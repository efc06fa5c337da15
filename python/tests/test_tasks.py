"""Tasks, channels and the executor."""

import concurrent.futures
import math
import threading
import unittest

import archipel

from . import samples


class Tasks(unittest.TestCase):
    def test_spawn_runs_in_parallel_with_the_caller(self):
        task = archipel.spawn(samples.scale, 4)
        self.assertEqual(task.result(60), 6.0)
        self.assertEqual(task.result(), 6.0)
        self.assertTrue(task.done)
        failed = archipel.spawn(samples.fails)
        with self.assertRaises(archipel.ExecutionFailed):
            failed.result(60)
        stopped = archipel.spawn(samples.forever)
        with self.assertRaises(TimeoutError):
            stopped.result(0.01)
        self.assertTrue(stopped.cancel())
        with self.assertRaises(archipel.Cancelled):
            stopped.result(60)
        self.assertFalse(stopped.cancel())

    def test_channel_ends_are_arguments(self):
        recv, send = archipel.channel()
        heard, done = archipel.channel(None)
        task = archipel.spawn(samples.produce, send, 3, done=done)
        send.release()
        self.assertEqual(list(recv), [0, 1, 2])
        self.assertIsNone(task.result(60))
        self.assertEqual(heard.recv(), "done")
        with archipel.InterpreterPoolExecutor(1) as pool:
            recv, send = archipel.channel(None)
            pool.submit(samples.produce, send, 2).result(60)
            send.release()
            self.assertEqual(list(recv), [0, 1])
        with archipel.create() as island:
            island.exec("def double(recv): return 2 * recv.recv()")
            recv, send = archipel.channel(1)
            send.send(4)
            self.assertEqual(island.call("double", recv), 8)
            send.send(5)
            self.assertEqual(island.call("double", recv=recv), 10)

    def test_select_takes_the_first_that_is_ready(self):
        recv, send = archipel.channel(1)
        other = archipel.channel()[0]
        self.assertEqual(archipel.select(recv, default=7), (None, 7))
        self.assertEqual(archipel.select((send, "x"), default=7), ((send, "x"), None))
        self.assertEqual(archipel.select(recv, timeout=5), (recv, "x"))
        with self.assertRaises(TimeoutError):
            archipel.select(recv, timeout=0.01)
        late = archipel.after(0.01)
        self.assertEqual(archipel.select(recv, late), (late, None))
        task = archipel.spawn(samples.scale, 4)
        self.assertEqual(archipel.select(recv, task), (task, 6.0))
        done = task.done
        self.assertEqual(archipel.select(recv, done), (done, None))
        with self.assertRaises(archipel.ChannelClosedError):
            archipel.select(other, timeout=5)
        for error, act in [
            (TypeError, lambda: archipel.select(3)),
            (ValueError, lambda: archipel.after(math.nan)),
            (ValueError, lambda: archipel.select(recv, timeout=-1)),
            (archipel.DeadlockError, archipel.select),
            (archipel.NotShareableError, lambda: archipel.select((send, object()))),
        ]:
            with self.assertRaises(error):
                act()


class Channels(unittest.TestCase):
    def test_the_end_of_a_call_is_a_case(self):
        with archipel.create() as island:
            idle = island.done
            self.assertTrue(idle)
            self.assertEqual(archipel.select(idle, timeout=60), (idle, None))
            recv, send = archipel.channel()
            island.prepare_main(recv=recv)
            recv.release()
            thread = threading.Thread(target=island.exec, args=("recv.recv()",))
            thread.start()
            while not island.is_running():
                pass
            done = island.done
            self.assertFalse(done)
            with self.assertRaises(TimeoutError):
                archipel.select(done, timeout=0.01)
            send.send(1)
            self.assertEqual(archipel.select(done, timeout=60), (done, None))
            self.assertTrue(done())
            thread.join()

    def test_objects_cross_between_host_and_interpreter(self):
        recv, send = archipel.channel(2)
        back, out = archipel.channel(None)
        with archipel.create() as island:
            island.prepare_main(recv=recv, out=out)
            recv.release()
            out.release()
            send.send([1, "a"])
            self.assertTrue(send.send_nowait(2))
            self.assertFalse(send.send_nowait(3))
            send.release()
            island.exec("for item in recv: out.send((item, 'seen'))\nout.release()")
            self.assertEqual(list(back), [([1, "a"], "seen"), (2, "seen")])
            with self.assertRaises(archipel.ChannelClosedError):
                back.recv()

    def test_bad_uses_are_errors(self):
        recv, send = archipel.channel(1)
        with self.assertRaises(TimeoutError):
            recv.recv(timeout=0.01)
        with self.assertRaises(archipel.ChannelEmptyError):
            recv.recv_nowait()
        self.assertEqual(recv.recv_nowait(None), None)
        with self.assertRaises(archipel.NotShareableError):
            send.send(object())
        for timeout in (math.nan, -1):
            with self.assertRaises(ValueError):
                recv.recv(timeout=timeout)
        for capacity, error in [(-1, ValueError), (1.5, TypeError), (True, TypeError)]:
            with self.assertRaises(error):
                archipel.channel(capacity)
        send.close()
        with self.assertRaises(archipel.ChannelClosedError):
            send.send(1)
        with send:
            pass
        with self.assertRaises(archipel.ChannelReleasedError):
            send.send(1)


class Executor(unittest.TestCase):
    def test_calls_run_in_interpreters(self):
        with archipel.InterpreterPoolExecutor(2, limits={"memory": 256 << 20}) as pool:
            self.assertEqual(list(pool.map(samples.slow_square, range(50))), [n * n for n in range(50)])
            futures = [pool.submit(samples.scale, n) for n in (1, 4, 9)]
            done = concurrent.futures.wait(futures, timeout=60).done
            self.assertEqual(sorted(future.result() for future in done), [3.0, 6.0, 9.0])
            with self.assertRaises(archipel.ExecutionFailed):
                pool.submit(samples.fails).result(60)
            with self.assertRaises(archipel.NotShareableError):
                pool.submit(samples.uses_lock).result(60)
            self.assertEqual(pool.submit(samples.slow_square, 3).result(60), 9)
        with self.assertRaises(RuntimeError):
            pool.submit(samples.slow_square, 1)

    def test_an_interpreter_that_a_limit_ended_is_replaced(self):
        with archipel.InterpreterPoolExecutor(1, limits={"cpu": 2}) as pool:
            with self.assertRaises(archipel.LimitExceeded):
                pool.submit(samples.forever).result(60)
            self.assertEqual(pool.submit(samples.slow_square, 3).result(60), 9)

    def test_an_initializer_that_fails_breaks_the_pool(self):
        with archipel.InterpreterPoolExecutor(1, initializer=samples.fails) as pool:
            with self.assertRaises(archipel.BrokenInterpreterPool):
                pool.submit(samples.slow_square, 1).result(60)
            with self.assertRaises(archipel.BrokenInterpreterPool):
                pool.submit(samples.slow_square, 1)

    def test_shutdown_cancels_what_has_not_started(self):
        gate = threading.Event()
        # A call ends after its output was written.
        pool = archipel.InterpreterPoolExecutor(1, stdout=lambda text: gate.wait())
        first = pool.submit(print, "hello")
        rest = [pool.submit(samples.slow_square, n) for n in range(3)]
        pool.shutdown(wait=False, cancel_futures=True)
        gate.set()
        pool.shutdown()
        self.assertTrue(first.done())
        self.assertTrue(all(future.cancelled() for future in rest))
