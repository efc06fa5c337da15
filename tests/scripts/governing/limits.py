#: stdout cpu 0.05 True
#: stdout builtin cpu
#: stdout wall 0.05
#: stdout xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
#: stdout output 100
#: stdout hello
#: stdout memory MemoryError
#: stdout children: limit exceeded: 2 interpreters
#: stdout depth: limit exceeded: 0 interpreters
#: stdout message: too large: the limit is 1000
#: stdout queued: 2560 in 10
#: stdout drained
#: stdout recursion 100 RecursionError
#: stdout recursion stays
#: stdout raised 3 times, then 45
#: stdout once: stopped cpu
#: stdout it failed: cpu
#: stdout Denied
#: stdout Denied
#: stdout True True True
#: stdout still here
import archipel
import interpreters


def limited(source, **limits):
    child = archipel.create(limits=limits)
    try:
        child.exec(source)
    except archipel.LimitExceeded as error:
        assert isinstance(error, archipel.InterpreterDied)
        return error
    return None


loop = "while True:\n try:\n  while True: pass\n except BaseException: pass"
error = limited(loop, cpu=0.05)
print(error.kind, error.limit, error.used >= error.limit)
print("builtin", limited("sum(range(10**12))", cpu=0.05).kind)
error = limited("import time\ntry: time.sleep(100)\nfinally: print('not reached')", wall=0.05)
print(error.kind, error.limit)
error = limited("while True: print('x' * 999)", output=100)
print()
print(error.kind, error.limit)
assert limited("print('hello')", output=6) is None

child = archipel.create(limits={"memory": 64 << 20})
child.alias("say", print)
child.exec("""
kept = []
try:
    while True:
        kept.append(bytes(1 << 20))
except MemoryError as error:
    kept.clear()
    say('memory', type(error).__name__)
""")


def print_error(name, child, source):
    child.alias("say", print)
    child.exec(f"try:\n {source}\nexcept Exception as error:\n say('{name}:', str(error))")


child = archipel.create(limits={"children": 2})
print_error("children", child, "import archipel; kept = [archipel.create() for _ in range(3)]")
child = archipel.create(limits={"depth": 0})
print_error("depth", child, "import archipel; archipel.create()")
child = archipel.create(limits={"message": 1000})
print_error("message", child, "import archipel; archipel.channel(1)[1].send('x' * 1000)")

child = archipel.create(limits={"queued": 256 * 10})
child.alias("say", print)
recv, send = interpreters.create_channel(None)
child.prepare_main(send=send)
child.exec("""
import archipel
n = 0
try:
    while True:
        send.send(None)
        n += 1
except archipel.LimitExceeded as error:
    say(f'queued: {error.limit} in {n}')
""")
for _ in range(10):
    recv.recv()
child.exec("send.send('drained')")
print(recv.recv())

child = archipel.create(limits={"recursion": 100})
child.alias("say", print)
child.exec("""
import sys
def f(): f()
try:
    f()
except RecursionError as error:
    say('recursion', sys.getrecursionlimit(), type(error).__name__)
try:
    sys.setrecursionlimit(101)
except ValueError:
    say('recursion stays')
""")

# The owner can raise a limit, and the running code continues.
child = archipel.create()
raised = []


def more(reached):
    raised.append(reached.kind)
    assert reached.interpreter is child and reached.used >= reached.limit
    if len(raised) < 3:
        child.limit(cpu=reached.used + 0.05)
        return None
    return 60


child.limit(cpu=0.05, on_limit=more)
child.exec("""
import archipel
n = 0
while archipel.usage().cpu.own < 0.3:
    n += 1
result = 45
""")
child.alias("say", print)
child.exec(f"say('raised {len(raised)} times, then', result)")


# Handlers that do nothing, that fail, and that exceed the limit themselves.
def stopped(name, on_limit):
    child = archipel.create()
    child.limit(cpu=0.02, on_limit=on_limit)
    try:
        child.exec("while True: pass")
    except archipel.LimitExceeded as error:
        print(name, error.kind)


stopped("once: stopped", lambda reached: None)
stopped("it failed:", lambda reached: 1 / 0)

# No interpreter can grant more than it has.
parent = archipel.create(limits={"output": 1000})
parent.alias("say", print)
parent.exec("""
import archipel
try:
    archipel.create(limits={'output': 2000})
except archipel.Denied as error:
    say(type(error).__name__)
child = archipel.create(limits={'output': 500})
try:
    child.limit(output=2000)
except archipel.Denied as error:
    say(type(error).__name__)
usage = child.usage()
own = archipel.usage()
say(usage.output.own == 0 == usage.output.subtree, usage.output.limit == 500,
    own.output.limit == 1000 and own.cpu.subtree > 0)
""")

for wrong in (
    {"cpu": 0},
    {"cpu": -1},
    {"cpu": float("nan")},
    {"cpu": float("inf")},
    {"memory": 1},
    {"memory": 1.5},
    {"speed": 1},
    {"message": 1 << 40},
    {"depth": 65},
    {"handles": 1},
    {"output": "1"},
    {"output": True},
):
    try:
        archipel.create(limits=wrong)
    except (ValueError, TypeError):
        continue
    print("accepted", wrong)
print("still here")
