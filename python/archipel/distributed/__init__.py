"""Executors whose interpreters run on the machines of a cluster: `dask` and `ray` have one each.

A call travels as source and data.  Each worker process has one runtime, and runs each call in an interpreter with the
policy, the limits and the image of the executor.  A call whose worker dies is retried once.
"""
