"""The state of one interpreter does not appear in another."""

import builtins
import decimal
import os
import random
import sys
from concurrent import interpreters
from concurrent.interpreters import ExecutionFailed

import archipel
from runner import CRASH, child, equal, raises, row, run


@row("PEP 734, interpreter isolation: modules")
def modules():
    """Each interpreter has its own modules, even if both import the same one."""
    made, other = child(), child()
    made.exec("import json; json.mine = 1; import sys; sys.mine = 2")
    other.exec("import json, sys; assert not hasattr(json, 'mine') and not hasattr(sys, 'mine')")
    assert not hasattr(sys, "mine")


@row("PEP 734, interpreter isolation: builtins")
def patched_builtins():
    """Replacing a builtin affects only one interpreter."""
    made = child()
    made.exec("import builtins; builtins.len = lambda obj: 99; builtins.added = 1")
    equal(made.call(eval, "len('ab')"), 99)
    equal((len("ab"), hasattr(builtins, "added")), (2, False))
    equal(child().call(len, "ab"), 2)


@row("PEP 734, interpreter isolation: classes")
def classes():
    """Two interpreters that run the same script have two different classes."""
    source = "class C: n = 0\ndef bump():\n C.n += 1\n return C.n"
    made, other = child(), child()
    made.exec(source)
    other.exec(source)
    made.exec("bump(); bump()")
    equal((made.call(eval, "C.n"), other.call(eval, "C.n")), (2, 0))


@row("decimal, contexts")
def decimal_context():
    """Each interpreter has its own decimal precision."""
    made = child()
    made.exec("import decimal; decimal.getcontext().prec = 3")
    equal(made.call(eval, "str(decimal.Decimal(1) / 3)"), "0.333")
    equal(decimal.getcontext().prec, 28)
    equal(child().call(eval, "__import__('decimal').getcontext().prec"), 28)


@row("random, the state of the generator")
def random_state():
    """Seeding one generator does not affect those of others, and no two start with the same state."""
    random.seed(1)
    expected = [random.random() for _ in range(3)]
    random.seed(1)
    made = child()
    made.exec("import random; random.seed(5); random.random()")
    equal([random.random() for _ in range(3)], expected)
    drawn = {child().call(eval, "__import__('random').getrandbits(128)") for _ in range(5)}
    equal(len(drawn), 5)


@row("sys, the recursion limit")
def recursion_limit():
    """Each interpreter has its own recursion limit, and exceeding it affects no other."""
    before = sys.getrecursionlimit()
    made = child()
    made.exec("import sys; sys.setrecursionlimit(150)")
    failed = raises(ExecutionFailed, made.exec, "def f(): f()\nf()")
    equal(failed.excinfo.type.__name__, "RecursionError")
    equal(sys.getrecursionlimit(), before)
    equal(made.call(len, "ab"), 2)


@row("sqlite3, databases in memory")
def sqlite():
    """An in-memory database belongs to its interpreter."""
    source = "import sqlite3; db = sqlite3.connect(':memory:'); db.execute('create table t (n)')"
    made, other = child(), child()
    made.exec(source + "; db.execute('insert into t values (1)')")
    other.exec(source)
    count = "db.execute('select count(*) from t').fetchone()[0]"
    equal((made.call(eval, count), other.call(eval, count)), (1, 0))


@row("PEP 734, low-level environment variables")
def environment():
    """Setting an environment variable affects only one interpreter; CPython shares the environment."""
    made = child()
    made.exec("import os; os.environ['ISLAND'] = 'mine'; os.putenv('OTHER', 'x')")
    assert "ISLAND" not in os.environ and "OTHER" not in os.environ
    assert child().call(eval, "__import__('os').environ.get('ISLAND')") is None


@row("PEP 734, interpreter isolation: standard streams")
def streams():
    """Closing or replacing the standard streams of one interpreter does not affect those of others."""
    made = child()
    made.exec("import sys; sys.stdout.close(); sys.stderr = None")
    assert not sys.stdout.closed and sys.stderr is not None
    child().exec("import sys; assert not sys.stdout.closed; sys.stdout.flush()")


@row("PEP 734, interpreter isolation: imports")
def import_state():
    """Each interpreter has its own path and loaded modules."""
    made = child()
    made.exec("import sys, types; sys.path.append('/only/here'); sys.modules['fake'] = types")
    assert "/only/here" not in sys.path and "fake" not in sys.modules
    raises(ExecutionFailed, child().exec, "import fake")


@row("ARCHITECTURE.md, a crash ends one interpreter")
def native_crash():
    """Forged code that reads outside of the memory ends only its own interpreter."""
    sibling, made = child(n=1), child()
    raises(archipel.InterpreterDied, made.exec, CRASH)
    assert made not in interpreters.list_all()
    equal(sibling.call(eval, "n"), 1)
    equal(child().call(len, "ab"), 2)


@row("ARCHITECTURE.md, a crash ends one interpreter")
def abort():
    """os.abort() and os._exit() end only one interpreter."""
    sibling = child(n=1)
    for end in ("abort()", "_exit(3)"):
        made = child()
        raises(archipel.InterpreterDied, made.exec, f"import os; os.{end}")
        assert made not in interpreters.list_all(), end
    equal(sibling.call(eval, "n"), 1)


@row("ARCHITECTURE.md, a crash ends one interpreter")
def crash_and_queues():
    """A queue that a crashed interpreter used still works, and treats its objects as lost."""
    queue = interpreters.create_queue()
    made = child(q=queue)
    queue.put("mine")
    made.exec("q.put('theirs')")
    raises(archipel.InterpreterDied, made.exec, CRASH)
    queue.put("mine too")
    equal(queue.get(), "mine")
    equal(repr(queue.get()), "concurrent.interpreters._queues.UNBOUND")
    equal(queue.get(), "mine too")


@row("ARCHITECTURE.md, a crash ends one interpreter")
def crash_of_a_parent():
    """The children of a crashed interpreter are destroyed with it."""
    made = child()
    made.exec("from concurrent import interpreters as i; own = i.create()")
    raises(archipel.InterpreterDied, made.exec, CRASH)
    equal(len(interpreters.list_all()), 1)


if __name__ == "__main__":
    run()
