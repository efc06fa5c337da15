"""The executors on real clusters of several processes."""

import concurrent.futures
import os
import signal
import time
import unittest

import archipel
import samples


class _Common:
    def running(self, before=None):
        """Wait until a call runs, and return the process of a worker that runs one."""
        for _ in range(3000):
            found = [pid for pid in self.busy() if pid != before]
            if found:
                return found[0]
            time.sleep(0.1)
        raise AssertionError("no call began")

    def test_calls_run_in_interpreters_of_the_workers(self):
        with self.executor(limits={"cpu": 5}) as executor:
            self.assertEqual(list(executor.map(samples.square, range(50))), [n * n for n in range(50)])
            self.assertEqual(executor.submit(samples.total, rows=[1, 2]).result(300), 3)
            with self.assertRaises(archipel.ExecutionFailed) as caught:
                executor.submit(samples.fails).result(300)
            self.assertEqual(caught.exception.excinfo.msg, "on purpose")
            with self.assertRaises(archipel.NotShareableError):
                executor.submit(samples.square, object()).result(300)
        with self.assertRaises(RuntimeError):
            executor.submit(samples.square, 1)

    def test_a_chunk_of_calls_is_one_task(self):
        with self.executor() as executor:
            results = executor.map(samples.nap, [0] * 20 + [0.01], chunksize=8)
            self.assertEqual(list(results), [0] * 20 + [0.01])
            with self.assertRaises(ValueError):
                executor.map(samples.nap, [], chunksize=0)

    def test_arguments_come_from_the_store_of_the_engine(self):
        with self.executor() as executor:
            stored = self.store([1, 2, 3])
            self.assertEqual(executor.submit(samples.total, stored).result(300), 6)
            self.assertEqual(executor.submit(samples.total, rows=stored).result(300), 6)

    def test_denials_are_reported_as_in_one_process(self):
        with self.executor() as executor:
            with self.assertRaises(archipel.ExecutionFailed) as caught:
                executor.submit(samples.denied).result(300)
            self.assertEqual(caught.exception.excinfo.type.__name__, "FileNotFoundError")
        with self.executor(limits={"memory": 1}) as executor:
            with self.assertRaises(archipel.ConfigError):
                executor.submit(samples.square, 1).result(300)

    def test_a_call_whose_worker_dies_is_retried(self):
        with self.executor() as executor:
            self.assertEqual(executor.submit(samples.square, 2).result(300), 4)
            futures = [executor.submit(samples.nap, 3) for _ in range(2)]
            os.kill(self.running(), signal.SIGKILL)
            self.assertEqual([future.result(300) for future in futures], [3, 3])

    def test_a_call_whose_workers_die_twice_fails(self):
        with self.executor() as executor:
            future = executor.submit(samples.forever)
            first = self.running()
            os.kill(first, signal.SIGKILL)
            os.kill(self.running(first), signal.SIGKILL)
            with self.assertRaises(archipel.InterpreterDied):
                future.result(300)

    def test_limits_are_reported_as_in_one_process(self):
        with self.executor(limits={"cpu": 0.5}) as executor:
            with self.assertRaises(archipel.LimitExceeded) as caught:
                executor.submit(samples.forever).result(300)
            self.assertEqual((caught.exception.kind, caught.exception.limit), ("cpu", 0.5))
            self.assertEqual(executor.submit(samples.square, 3).result(300), 9)

    def test_cancelling_stops_the_interpreter(self):
        with self.executor() as executor:
            executor.submit(samples.square, 1).result(300)
            futures = [executor.submit(samples.forever), executor.submit(samples.stubborn)]
            self.running()
            futures[0].add_done_callback(lambda future: None)
            for future in futures:
                self.assertTrue(future.cancel())
                self.assertTrue(future.cancelled())
                self.assertRaises(concurrent.futures.CancelledError, future.result, 300)
            # The workers are free again.
            self.assertEqual([executor.submit(samples.square, n).result(300) for n in range(4)], [0, 1, 4, 9])


def _state():
    """Return the number of this process, and whether a call runs."""
    from archipel.distributed import _work

    return os.getpid(), bool(_work._running)


class Dask(_Common, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        cls.client = Client(cluster)
        cls.addClassCleanup(cluster.close)
        cls.addClassCleanup(cls.client.close)

    def executor(self, **settings):
        from archipel.distributed.dask import DaskExecutor

        return DaskExecutor(self.client, **settings)

    def store(self, value):
        return self.client.scatter([value])[0]

    def busy(self):
        # A worker that dies now does not answer.
        states = self.client.run(_state, on_error="return").values()
        return [state[0] for state in states if isinstance(state, tuple) and state[1]]


class Ray(_Common, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        cls.addClassCleanup(ray.shutdown)

    def executor(self, **settings):
        from archipel.distributed.ray import RayExecutor

        return RayExecutor(**settings)

    def store(self, value):
        import ray

        return ray.put(value)

    def busy(self):
        import psutil

        names = ((process.pid, process.info["cmdline"]) for process in psutil.process_iter(["cmdline"]))
        return [pid for pid, name in names if name and name[0] == "ray::run"]
