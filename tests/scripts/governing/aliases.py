#: stdout hello from the child
#: stdout 7
#: stdout ('fixed', 'a', {'k': b'b'})
#: stdout {'a': 1}
#: stdout reason
#: stdout the command failed: KeyError
#: stdout not shareable
#: stdout NameError
#: stdout None
#: stdout True False
#: stdout ['kv.get', 'kv.put', 'log']
#: stdout replaced
#: stdout 3
#: stdout nested 12
#: stdout received
#: stdout a deadlock
#: stdout done
import archipel
import interpreters
from concurrent import interpreters as interpreters_ci

store = {}


def put(key, value):
    store[key] = value


def failing(how):
    if how == "reason":
        raise archipel.AliasError("reason")
    raise KeyError(how)


child = archipel.create(name="child")
child.alias("log", print)
child.alias("kv.get", store.get)
child.alias("kv.put", put)
child.alias("fixed", lambda *args, **kwargs: (*args, kwargs), "fixed")
child.alias("failing", failing)
child.alias("wrong", lambda: object())

child.exec("log('hello from the child')")
child.exec("kv.put('x', 7); log(kv.get('x'))")
child.exec("log(fixed('a', k=b'b'))")
child.exec("import kv; kv.put('y', {'a': 1})")
print(store["y"])
child.exec("""
import archipel
for how in 'reason', 'other':
    try:
        failing(how)
    except archipel.AliasError as error:
        log(str(error))
try:
    wrong()
except archipel.AliasError as error:
    log('not shareable' if 'cannot be sent' in str(error) else error)
keep = failing
""")

# A removed alias is gone at once, even for code that has kept the function.
assert child.unalias("failing") and not child.unalias("failing")
child.exec("""
try:
    keep('reason')
except NameError as error:
    log(type(error).__name__)
""")
child.exec("log(kv.get('absent'))")
print(child.is_safe, archipel.create(safe=False).is_safe)
child.unalias("fixed")
child.unalias("wrong")
print(child.aliases())
child.alias("log", lambda text: print("replaced"))
child.exec("log(1)")
child.alias("log", print)

for name in "print", "a b", "", "None", "x\0", "kv", "log.x", 3:
    try:
        child.alias(name, print)
    except (ValueError, TypeError):
        continue
    print("accepted", name)
try:
    child.alias("x", 3)
except TypeError:
    pass
try:
    archipel.Interpreter(0).alias("x", print)
except interpreters.InterpreterError:
    pass

# In parallel: each call is answered while this interpreter waits.
tasks = []
others = [archipel.create() for _ in range(3)]
got = []
for other in others:
    other.alias("add", got.append)
    tasks.append(other.call_in_thread(exec, "add(1)"))
for task in tasks:
    task.join()
print(sum(got))

# An alias of a grandchild, through its parent.
child.exec("""
import archipel
inner = archipel.create()
def double(n):
    return kv.get('x') + n
inner.alias('double', double)
inner.alias('say', log)
inner.exec('say("nested", double(5))')
""")

# An alias that waits for a channel does not block others.
recv, send = interpreters.create_channel()
waiting, other = archipel.create(), archipel.create()
waiting.alias("take", recv.recv)
other.prepare_main(send=send)
task = waiting.call_in_thread(exec, "answer = take()")
sending = other.call_in_thread(exec, "send.send('received')")
task.join()
sending.join()
waiting.alias("show", print)
waiting.exec("show(answer)")

# Waiting for one's own caller would never end.
stuck = archipel.create()
recv, send = interpreters.create_channel()
stuck.alias("take", recv.recv)
stuck.prepare_main(send=send)
try:
    stuck.exec("take()")
except interpreters_ci.ExecutionFailed as error:
    assert "DeadlockError" in str(error), error
    print("a deadlock")

# After a child is destroyed there is nothing to listen for.
for each in (child, stuck, waiting, other, *others):
    each.close()
from _island import aliases, waits

assert not waits.background and not aliases._functions, (waits.background, aliases._functions)
print("done")
