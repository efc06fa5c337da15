"""Measures the costs of the Python API: one line for each figure, in nanoseconds."""

import math
import sys
import time

MODULES = (
    "json re dataclasses collections itertools functools datetime random math pathlib typing enum "
    "logging csv decimal hashlib base64 uuid asyncio argparse"
).split()

if __name__ == "__main__":
    start = time.perf_counter_ns()
    for module in MODULES:
        __import__(module)
    print("imports", time.perf_counter_ns() - start)


def add(a, b):
    return a + b


def median(count, rounds, function):
    """Return the time of one call: the median of several rounds of `count` calls."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        for _ in range(count):
            function()
        times.append((time.perf_counter_ns() - start) // count)
    return sorted(times)[rounds // 2]


def pool(executor, count):
    """Return the time of one task."""
    list(executor.map(math.sqrt, range(100)))
    start = time.perf_counter_ns()
    assert sum(1 for _ in executor.map(math.sqrt, range(count))) == count
    return (time.perf_counter_ns() - start) // count


BUFFER = b"x" * 1_000_000
SMALL = {"a": 1, "b": [1, 2]}


def queues(interpreters):
    child = interpreters.create()
    there, back = interpreters.create_queue(), interpreters.create_queue()
    child.prepare_main(there=there, back=back)

    def hop():
        there.put(SMALL)
        back.get()

    echo = "while (item := there.get()) is not None: back.put(item)"
    import threading

    thread = threading.Thread(target=child.exec, args=(echo,))
    if sys.platform == "wasi":
        thread = child.call_in_thread(exec, echo)
    else:
        thread.start()
    print("round-trip", median(*((200, 9) if sys.platform == "wasi" else (5, 3)), hop))
    there.put(None)
    thread.join()
    child.call(add, 1, 2)
    print("call", median(200, 9, lambda: child.call(add, 1, 2)))

    def large():
        there.put(BUFFER)
        there.get()

    print("large", median(10, 9, large))
    child.close()


def main():
    from concurrent.futures import ProcessPoolExecutor

    if sys.platform == "wasi":
        from concurrent import interpreters
        from concurrent.futures import InterpreterPoolExecutor

        import interpreters as pep_554

        with InterpreterPoolExecutor(2) as executor:
            print("pool", pool(executor, 10_000))
        queues(interpreters)
        receiver, sender = pep_554.create_channel(1)

        def buffer():
            sender.send_buffer(BUFFER)
            receiver.recv()

        print("buffer", median(10, 9, buffer))
        return
    with ProcessPoolExecutor(2) as executor:
        print("pool", pool(executor, 10_000))
    copy = median(10, 9, lambda: bytearray(BUFFER))
    print("large", copy)
    print("buffer", copy)
    try:
        from concurrent import interpreters
    except ImportError:
        return
    queues(interpreters)


if __name__ == "__main__":
    main()
