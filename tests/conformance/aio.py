"""Channels, queues, children and tasks in asyncio."""

import asyncio
import time
from concurrent import interpreters
from concurrent.interpreters import ExecutionFailed

import archipel
from archipel import channel, spawn
from interpreters import ChannelClosedError
from runner import child, equal, meet, raises, row, run


def square(n):
    return n * n


def fails():
    raise ValueError("no")


def serve(recv, send):
    for item in recv:
        send.send(item * 2)


async def araises(kind, awaitable):
    """Do what runner.raises does, for an awaitable."""
    try:
        result = await awaitable
    except kind as error:
        assert type(error) is kind, f"{type(error)!r} is not {kind!r}"
        return error
    raise AssertionError(f"{result!r} came instead of {kind.__name__}")


@row("asyncio.run()")
def runs():
    """It runs a coroutine and returns its result, or raises what that raises; then again."""

    async def main(n):
        await asyncio.sleep(0)
        return 10 // n

    equal(asyncio.run(main(2)), 5)
    raises(ZeroDivisionError, asyncio.run, main(0))
    equal(asyncio.run(main(5)), 2)


@row("asyncio.sleep()")
async def sleeps():
    """It lets other coroutines run, and lasts as long as asked."""
    order = []

    async def note(name, seconds):
        await asyncio.sleep(seconds)
        order.append(name)
        return name

    start = time.monotonic()
    got = await asyncio.gather(note("late", 0.03), note("soon", 0.001), note("now", 0))
    equal(got, ["late", "soon", "now"])
    equal(order, ["now", "soon", "late"])
    assert time.monotonic() - start >= 0.03


@row("asyncio.wait_for() and asyncio.timeout()")
async def timeouts():
    """A wait that does not end in time raises TimeoutError."""
    recv, _send = channel()
    await araises(TimeoutError, asyncio.wait_for(asyncio.sleep(1000), 0.01))
    await araises(TimeoutError, asyncio.wait_for(recv.recv_async(), 0.01))
    try:
        async with asyncio.timeout(0.01):
            await recv
    except TimeoutError:
        return
    raise AssertionError("there was no timeout")


@row("asyncio.TaskGroup")
async def task_groups():
    """It waits for all of its tasks, and cancels the others when one fails."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0, n)) for n in range(3)]
    equal([task.result() for task in tasks], [0, 1, 2])
    recv, _send = channel()

    async def fail():
        raise ValueError("one fails")

    try:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(recv.recv_async())
            group.create_task(fail())
    except* ValueError as errors:
        equal(len(errors.exceptions), 1)
    assert waiting.cancelled()


@row("asyncio.Queue, Event and Lock")
async def primitives():
    """Coroutines communicate through the primitives of asyncio."""
    queue, event, lock = asyncio.Queue(1), asyncio.Event(), asyncio.Lock()

    async def produce():
        for n in range(5):
            await queue.put(n)
        event.set()

    async def consume():
        async with lock:
            return [await queue.get() for _ in range(5)]

    got, _ = await asyncio.gather(consume(), produce())
    await event.wait()
    equal(got, [0, 1, 2, 3, 4])


@row("archipel, await recv")
async def awaits_a_channel():
    """A receiving end can be awaited, alone and together with other waits."""
    recv, send = channel(1)
    send.send("x")
    equal(await recv, "x")
    other, send_other = channel(1)
    got = await asyncio.gather(
        recv.recv_async(), other.recv_async(), send_other.send_async(2), send.send_async(1)
    )
    equal(got, [1, 2, None, None])


@row("archipel, await recv")
async def a_channel_between_coroutines():
    """A coroutine can send what another one of the same loop waits for, through a rendezvous."""
    recv, send = channel()
    equal(await asyncio.gather(recv.recv_async(), send.send_async(1)), [1, None])
    equal(await asyncio.gather(send.send_async(2), recv.recv_async()), [None, 2])


@row("archipel, async for item in recv")
async def iterates():
    """`async for` receives until the channel is closed and empty."""
    recv, send = channel(1)

    async def give():
        for n in range(5):
            await send.send_async(n)
        send.close()

    giving = asyncio.create_task(give())
    equal([item async for item in recv], [0, 1, 2, 3, 4])
    await giving
    await araises(ChannelClosedError, recv.recv_async())


@row("archipel, awaiting queues")
async def awaits_a_queue():
    """Queues can be awaited, in both directions."""
    queue = interpreters.create_queue(1)

    async def give():
        for n in range(3):
            await queue.put_async(n)

    giving = asyncio.create_task(give())
    equal([await queue.get_async() for _ in range(3)], [0, 1, 2])
    await giving


@row("archipel, await child.exec_async()")
async def awaits_a_child():
    """Source text and calls in children can be awaited concurrently."""
    made, other = child(n=1), child()
    got = await asyncio.gather(made.exec_async("n += 1"), other.call_async(square, 3))
    equal(got, [None, 9])
    equal(await made.call_async(eval, "n"), 2)


@row("archipel, await child.exec_async()")
async def awaits_a_failure():
    """An uncaught exception in a child is an ExecutionFailed; invalid source is a SyntaxError."""
    made = child()
    error = await araises(ExecutionFailed, made.exec_async("1 / 0"))
    equal(error.excinfo.type.__name__, "ZeroDivisionError")
    await araises(ExecutionFailed, made.call_async(fails))
    await araises(SyntaxError, made.exec_async("1 +"))


@row("archipel, spawn() -> task, awaitable")
async def awaits_tasks():
    """Tasks can be awaited and gathered, each for its result or its exception."""

    async def result_of(task):
        return await task

    tasks = [spawn(square, n) for n in range(4)]
    equal(await asyncio.gather(*map(result_of, tasks)), [0, 1, 4, 9])
    await araises(ExecutionFailed, result_of(spawn(fails)))


@row("archipel, waits in asyncio.run")
async def all_together():
    """A channel, a queue, a child, a task and a timer can be awaited at the same time."""
    recv, send = channel()
    queue = interpreters.create_queue()
    made, server = child(), child()
    there, give = channel()
    thread = server.call_in_thread(serve, there, send)

    async def ask(n):
        await give.send_async(n)

    async def of(awaitable):
        return await awaitable

    results = await asyncio.gather(
        of(recv),
        ask(21),
        queue.get_async(),
        made.call_async(pow, 2, 3),
        of(spawn(square, 5)),
        asyncio.sleep(0.001, "slept"),
        queue.put_async("put"),
    )
    equal(results, [42, None, "put", 8, 25, "slept", None])
    give.close()
    thread.join()


@row("archipel, await child.done")
async def awaits_the_end():
    """The `done` of an interpreter can be awaited."""
    made = archipel.create(safe=False)
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    thread = made.call_in_thread(meet, ready, go)
    await ready.get_async()
    done = made.done
    assert not done
    go.put(None)
    await done
    assert done
    thread.join()


@row("archipel, cancellation")
async def cancelled_receives_lose_nothing():
    """A cancelled receive takes nothing: the next receive gets the object."""
    recv, send = channel(1)
    for n in range(20):
        waiting = asyncio.create_task(recv.recv_async())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        send.send(n)
        equal(await recv, n)


@row("archipel, cancellation")
async def cancelled_before_it_arrives():
    """That also holds for an object that is sent right after the cancellation, before the loop runs."""
    recv, send = channel(1)
    waiting = asyncio.create_task(recv.recv_async())
    await asyncio.sleep(0)
    waiting.cancel()
    send.send("kept")
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    equal(recv.recv_nowait("lost"), "kept")


@row("archipel, cancellation")
async def cancelled_while_it_arrives():
    """Each object is the result of a receive, perhaps the last before a timeout, or there for the next."""
    recv, send = channel(None)
    made = child(s=send)
    sending = asyncio.create_task(made.exec_async("for n in range(50): s.send(n)"))
    got = []
    while not sending.done():
        try:
            got.append(await asyncio.wait_for(recv.recv_async(), 1e-5))
        except TimeoutError:
            pass
    await sending
    while (left := recv.recv_nowait(None)) is not None:
        got.append(left)
    equal(got, list(range(50)))


@row("archipel, cancellation")
async def cancelled_sends():
    """A cancelled send has not sent its object."""
    recv, send = channel()
    sending = asyncio.create_task(send.send_async(1))
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert sending.cancelled()
    equal(recv.recv_nowait("nothing"), "nothing")


@row("asyncio.to_thread()")
async def to_thread():
    """It runs a function in parallel with the loop: in another interpreter, because there are no
    parallel threads."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    beside = asyncio.create_task(asyncio.to_thread(meet, ready, go))
    await ready.get_async()
    assert not beside.done()
    await go.put_async("gone on")
    equal(await beside, "gone on")
    equal(await asyncio.to_thread(int, "ff", base=16), 255)
    await araises(ValueError, asyncio.to_thread(fails))


@row("asyncio, loop.run_in_executor()")
async def run_in_executor():
    """It runs a function in the default executor, or in a given one."""
    loop = asyncio.get_running_loop()
    equal(await loop.run_in_executor(None, square, 3), 9)
    from concurrent.futures import InterpreterPoolExecutor

    with InterpreterPoolExecutor(2) as pool:
        equal(
            await asyncio.gather(*(loop.run_in_executor(pool, square, n) for n in range(5))),
            [0, 1, 4, 9, 16],
        )


@row("asyncio, loop.call_later() and call_soon()")
async def callbacks():
    """Callbacks run in the order of their times, and those with the same time in order of scheduling."""
    called = []
    loop = asyncio.get_running_loop()
    last = loop.create_future()
    loop.call_later(0.01, last.set_result, None)
    loop.call_later(0.001, called.append, 3)
    loop.call_soon(called.append, 1)
    loop.call_soon(called.append, 2)
    loop.call_later(1000, called.append, "never").cancel()
    await last
    equal(called, [1, 2, 3])


@row("archipel, DeadlockError")
def deadlock_in_a_loop():
    """A loop in which every coroutine waits for an impossible event raises DeadlockError."""

    async def main():
        recv, _send = channel()
        await recv

    raises(archipel.DeadlockError, asyncio.run, main())


if __name__ == "__main__":
    run()
