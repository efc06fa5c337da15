"""The executors on real clusters of several processes."""

import concurrent.futures
import os
import unittest

import archipel
import samples


class _Common:
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

    def test_limits_are_reported_as_in_one_process(self):
        with self.executor(limits={"cpu": 0.5}) as executor:
            with self.assertRaises(archipel.LimitExceeded) as caught:
                executor.submit(samples.forever).result(300)
            self.assertEqual((caught.exception.kind, caught.exception.limit), ("cpu", 0.5))
            self.assertEqual(executor.submit(samples.square, 3).result(300), 9)

    def test_cancelling_stops_the_interpreter(self):
        with self.executor() as executor:
            executor.submit(samples.square, 1).result(300)
            futures = [executor.submit(samples.forever) for _ in range(2)]
            futures[0].add_done_callback(lambda future: None)
            for future in futures:
                self.assertTrue(future.cancel())
                self.assertTrue(future.cancelled())
                self.assertRaises(concurrent.futures.CancelledError, future.result, 300)
            # The workers are free again.
            self.assertEqual([executor.submit(samples.square, n).result(300) for n in range(4)], [0, 1, 4, 9])


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

    def test_a_call_whose_worker_dies_is_retried(self):
        with self.executor() as executor:
            futures = [executor.submit(samples.nap, 0.5) for _ in range(4)]
            victim = next(iter(self.client.run(os.getpid).values()))
            os.kill(victim, 9)
            self.assertEqual([future.result(300) for future in futures], [0.5] * 4)


class Ray(_Common, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        cls.addClassCleanup(ray.shutdown)

    def executor(self, **settings):
        from archipel.distributed.ray import RayExecutor

        return RayExecutor(**settings)
