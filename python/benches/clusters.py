"""Measures the executors on local clusters, beside plain functions on the same engine; prints tables in Markdown.

    pip install 'archipel[dask,ray]'
    python3 python/benches/clusters.py [dask] [ray] [--workers 1,2,4] [--calls 10000]
"""

import argparse
import concurrent.futures
import contextlib
import time


def increment(n):
    return n + 1


def work(amount):
    """Compute for some milliseconds."""
    total = 0
    for n in range(20_000 * amount):
        total += n * n
    return total


@contextlib.contextmanager
def dask(workers):
    """Yield the verbs of a Dask cluster: run plain functions, and make an executor."""
    from distributed import Client, LocalCluster

    from archipel.distributed.dask import DaskExecutor

    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:

            def plain(function, items):
                return client.gather([client.submit(function, item, pure=False) for item in items])

            yield plain, lambda: DaskExecutor(client)


@contextlib.contextmanager
def ray(workers):
    """Yield the verbs of a Ray cluster."""
    import ray

    from archipel.distributed.ray import RayExecutor

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:

        def plain(function, items):
            remote = ray.remote(function)
            return ray.get([remote.remote(item) for item in items])

        yield plain, RayExecutor
    finally:
        ray.shutdown()


def timed(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def measure(name, cluster, workers, calls):
    with cluster(workers) as (plain, make), make() as executor:

        def islands(function, items):
            concurrent.futures.wait([executor.submit(function, item) for item in items])

        def chunks(function, items):
            list(executor.map(function, items, chunksize=100))

        # Each worker has created what it needs.
        for run in (plain, islands, chunks):
            run(increment, range(200))
        bare, own, chunked = (
            min(timed(run, increment, range(calls)) for _ in range(3)) for run in (plain, islands, chunks)
        )
        heavy = [20] * (40 * workers)
        busy = [min(timed(run, work, heavy) for _ in range(2)) for run in (plain, islands)]
    each = 1e3 / calls
    cells = [f"{bare * each:.2f}", f"{own * each:.2f}", f"{(own - bare) * each:+.2f}", f"{chunked * each:.3f}"]
    cells += [f"{calls / own:,.0f}", *(f"{len(heavy) / seconds:,.0f}" for seconds in busy)]
    print(f"| {name} | {workers} |", " | ".join(cells), "|", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engines", nargs="*", default=["dask", "ray"])
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--calls", type=int, default=10_000)
    found = parser.parse_args()
    print(
        "| engine | workers | plain, ms a call | in interpreters, ms a call | more, ms | with chunks of 100, ms a call "
        "| calls a second | 20 ms of work, plain, a second | in interpreters, a second |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for engine in found.engines:
        for workers in map(int, found.workers.split(",")):
            measure(engine, {"dask": dask, "ray": ray}[engine], workers, found.calls)


if __name__ == "__main__":
    main()
