"""Times alternatives: `peers.py FOLDER GROUP [ARGUMENT...]` prints lines of a name, a place and nanoseconds.

FOLDER is a folder in which pyeryx can be installed. Alternatives that this Python lacks are skipped. The groups are

`life COUNT`: create an environment for code, run nothing in it and destroy it;
`crowd COUNT`: create one more and run nothing in it, by the number that exist;
`sizes COUNT EXPONENT...`: round trips of bytes, by size;
`programs CPU FOLDER NAME...`: the programs in FOLDER, run by the script CPU.
"""

import multiprocessing
import statistics
import subprocess
import sys
import threading
import time

try:
    import _interpreters as native
except ImportError:
    try:
        import _xxsubinterpreters as native
    except ImportError:
        native = None
try:
    import _interpqueues as queues
except ImportError:
    queues = None

sys.path.insert(0, sys.argv[1])
try:
    import eryx
except ImportError:
    eryx = None

VERSION = ".".join(map(str, sys.version_info[:2]))
FORK = multiprocessing.get_context("fork")
PROCESS = "a forked process (multiprocessing)"
SUBINTERPRETER = f"a Python {VERSION} subinterpreter"
PYERYX = "a pyeryx sandbox"


def tell(name, place, nanos):
    print(f"{name}\t{place}\t{int(nanos)}", flush=True)


def lives(name, count, life):
    life()
    for _ in range(count):
        start = time.perf_counter_ns()
        life()
        tell(name, 0, time.perf_counter_ns() - start)


def nothing():
    pass


def process():
    child = FORK.Process(target=nothing)
    child.start()
    child.join()


def python():
    subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)


def subinterpreter():
    made = native.create()
    native.run_string(made, "pass")
    native.destroy(made)


def life(count):
    lives(PROCESS, count, process)
    lives(f"a Python {VERSION} process", count // 2, python)
    if native:
        lives(SUBINTERPRETER, count, subinterpreter)
    if eryx:
        lives(PYERYX, count, lambda: eryx.Sandbox().execute("pass"))


def grow(name, count, create):
    """Create and return `count` objects, which stay alive."""
    kept = []
    for place in range(count):
        start = time.perf_counter_ns()
        kept.append(create())
        tell(name, place, time.perf_counter_ns() - start)
    return kept


def idle_process():
    here, there = FORK.Pipe()

    def wait():
        there.send_bytes(b"")
        there.recv_bytes()

    child = FORK.Process(target=wait, daemon=True)
    child.start()
    here.recv_bytes()
    return child, here, there


def idle_subinterpreter():
    made = native.create()
    native.run_string(made, "pass")
    return made


def idle_sandbox():
    session = eryx.Session()
    session.execute("pass")
    return session


def crowd(count):
    processes = grow(PROCESS, count, idle_process)
    for child, here, _ in processes:
        here.send_bytes(b"")
        child.join()
    if native:
        for made in grow(SUBINTERPRETER, min(count, 50), idle_subinterpreter):
            native.destroy(made)
    if eryx:
        grow(PYERYX, min(count, 50), idle_sandbox)


def round_trips(name, count, exponents, trip):
    for exponent in exponents:
        message = bytes(1 << exponent)
        times = []
        for _ in range(count):
            start = time.perf_counter_ns()
            trip(message)
            times.append(time.perf_counter_ns() - start)
        tell(name, 1 << exponent, statistics.median(times))


def sizes(count, *exponents):
    here, there = FORK.Pipe()

    def echo():
        while message := there.recv_bytes():
            there.send_bytes(message)

    child = FORK.Process(target=echo, daemon=True)
    child.start()

    def by_pipe(message):
        here.send_bytes(message)
        here.recv_bytes()

    round_trips("between processes (multiprocessing)", count, exponents, by_pipe)
    here.send_bytes(b"")
    child.join()
    if native and queues:
        by_queues(count, exponents)


# Like the queues of `concurrent.interpreters`, without their delay of 10 ms between polls.
POLL = """
import _interpqueues
def get(queue):
    while True:
        try:
            return _interpqueues.get(queue)[0]
        except Exception:
            # The queue is empty.
            pass
"""

ECHO = """
while message := get({there}):
    _interpqueues.put({back}, message, *{options})
"""

# Numbers for queues and messages: the format of objects (Python 3.13 only), and the removal of unbound messages.
OPTIONS = (0, 1) if sys.version_info < (3, 14) else (1, -1)


def by_queues(count, exponents):
    """Measure queues."""
    there, back = queues.create(0, *OPTIONS), queues.create(0, *OPTIONS)
    made = native.create("isolated")
    source = POLL + ECHO.format(there=there, back=back, options=OPTIONS)
    thread = threading.Thread(target=native.run_string, args=(made, source))
    thread.start()
    own = {}
    exec(POLL, own)

    def by_queue(message):
        queues.put(there, message, *OPTIONS)
        own["get"](back)

    round_trips(f"between Python {VERSION} subinterpreters, both polling", count, exponents, by_queue)
    queues.put(there, b"", *OPTIONS)
    thread.join()
    native.destroy(made)


def programs(script, folder, *names):
    if not eryx:
        return
    with open(script) as file:
        # The sandbox has no files, so the runner gets the source text of the programs.
        runner = file.read().partition("folder, *names")[0]
    for name in names:
        program, *arguments = name.split(":")
        with open(f"{folder}/bm_{program}/run_benchmark.py") as file:
            source = file.read()
        code = f"""{runner}
sys.argv = {[program, *arguments]!r}
exec(compile({source!r}, {program!r}, "exec"), {{"__name__": "__main__"}})
"""
        try:
            printed = eryx.Sandbox().execute(code).stdout_text
        except eryx.EryxError:
            continue
        tell(PYERYX, name, int(printed.split()[1]))


group, *arguments = sys.argv[2:]
if group == "programs":
    programs(*arguments)
else:
    {"life": life, "crowd": crowd, "sizes": sizes}[group](*map(int, arguments))
