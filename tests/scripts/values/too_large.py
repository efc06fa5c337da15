#: stdout send str: ValueError too large
#: stdout send list: ValueError too large
#: stdout send several: ValueError too large
#: stdout queue: ValueError too large
#: stdout select: ValueError too large
#: stdout prepare_main: ValueError too large
#: stdout name: ValueError too large
#: stdout alias: ExecutionFailed AliasError
#: stdout pool argument: ValueError too large
#: stdout pool result: NotShareableError result not shareable
#: stdout pool: 7
#: stdout works: 6
# A message has at most 64 MiB, and a larger one is refused; it never ends its sender.
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor

import archipel

recv, send = archipel.channel(1)
queue = interpreters.create_queue()
child = interpreters.create()
large = 65 << 20


def check(what, act):
    try:
        print(f"{what}: {act()}")
    except Exception as error:
        print(f"{what}: {type(error).__name__} {str(error).splitlines()[0].split(':')[0]}")


check("send str", lambda: send.send("x" * large))
check("send list", lambda: send.send(["x" * large]))
check("send several", lambda: send.send(["x" * (large // 2 + 1), "y" * (large // 2 + 1)]))
check("queue", lambda: queue.put("x" * large))
check("select", lambda: archipel.select((send, "x" * large)))
check("prepare_main", lambda: child.prepare_main(value="x" * large))
check("name", lambda: archipel.create(name="x" * large))
borrower = archipel.create()
borrower.alias("f", lambda: b"x" * large)
check("alias", lambda: borrower.call(eval, "f()"))
with InterpreterPoolExecutor(1) as pool:
    check("pool argument", lambda: pool.submit(len, b"x" * large).result())
    check("pool result", lambda: pool.submit(bytes, large).result())
    check("pool", lambda: pool.submit(int, "7").result())
send.send("x" * 6)
check("works", lambda: len(recv.recv()))
