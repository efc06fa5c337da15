"""Waits in event loops for jobs that the library runs.

It imports `asyncio` where it uses it, so that programs without it start faster.
"""

# The time that a cancelled job has to end by itself, in seconds.
_GRACE = 5.0


def _settle(future, value, error):
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)


def _start(start):
    import asyncio

    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def done(value, error):
        try:
            loop.call_soon_threadsafe(_settle, future, value, error)
        except RuntimeError:
            # The loop is closed, and its tasks with it.
            pass

    return future, start(done)


async def job(island, start):
    """Wait for the job that `start` starts in `island`.

    If the waiting task is cancelled, the job is cancelled, and the wait goes on until it has ended.  A job that does
    not end within five seconds is stopped, and its interpreter destroyed.
    """
    import asyncio

    future, _ = _start(start)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.done():
            await _stop(island, future)
        if not future.cancelled():
            # Marks the exception as seen.
            future.exception()
        raise


async def _stop(island, future):
    import asyncio

    try:
        while not future.done() and not island.is_running():
            await asyncio.sleep(0.001)
        island.cancel("the task that waits was cancelled", False)
        await asyncio.wait([future], timeout=_GRACE)
    finally:
        if not future.done():
            island.cancel("the task that waits was cancelled", True)
    await asyncio.wait([future])


async def abandonable(start, lost):
    """Wait for what `start` starts; cancelling this abandons it.  `lost` gets a result that arrives too late."""
    import asyncio

    future, waiting = _start(start)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        waiting.abandon()
        if lost is not None:
            future.add_done_callback(lambda done: _return(done, lost))
        raise


def _return(future, lost):
    if not future.cancelled() and future.exception() is None:
        lost(future.result())
