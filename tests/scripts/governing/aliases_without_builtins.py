#: stdout 3 True
#: stdout NameError name 'len' is not defined
#: stdout [1, 'two', None]
#: stdout NameError name 'type' is not defined
#: stdout NameError name 'isinstance' is not defined
import archipel
from concurrent.interpreters import ExecutionFailed

# Aliases and channels work in a child without these builtins.
child = archipel.create()
child.alias('add', lambda a, b: a + b)
child.alias('echo', lambda obj: obj)
for name in ('len', 'type', 'isinstance', 'print', 'tuple', 'id'):
    child.hide(name)
print(child.call(eval, 'add(1, 2)'), child.call(eval, 'echo("x" * 100_000) == "x" * 100_000'))


def fail(source):
    try:
        child.exec(source)
    except ExecutionFailed as error:
        print(error.excinfo.type.__name__, error.excinfo.msg)


fail('len([])')
inbox, outbox = archipel.channel(4)
child.prepare_main(outbox=outbox)
child.exec('outbox.send([1, "two", None])')
print(inbox.recv())
try:
    child.call(eval, 'type(1)', {})
except ExecutionFailed as error:
    print(error.excinfo.type.__name__, error.excinfo.msg)
child.exec('def by_name(): return isinstance(1, int)')
fail('by_name()')
