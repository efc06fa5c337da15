#: stdout [0, 1] 0 0
#: stdout subinterpreter 5
#: stdout False
#: stdout division by zero
#: stdout ZeroDivisionError builtins
#: stdout InterpreterError InterpreterNotFoundError InterpreterNotFoundError
from concurrent import interpreters

child = interpreters.create()
print(
    [i.id for i in interpreters.list_all()],
    interpreters.get_current().id,
    interpreters.get_main().id,
)
child.prepare_main(n=5)
child.prepare_main({'kind': 'subinterpreter'})
child.exec("print(kind, n)")
print(child.is_running())
try:
    child.exec("1 / 0")
except interpreters.ExecutionFailed as failed:
    print(failed.excinfo.msg)
    print(failed.excinfo.type.__name__, failed.excinfo.type.__module__)
    assert 'File "<string>", line 1, in <module>' in failed.excinfo.errdisplay


def error(f, *a):
    try:
        f(*a)
    except interpreters.InterpreterError as error:
        return type(error).__name__


itself = error(interpreters.get_current().close)
child.close()
print(itself, error(child.exec, "pass"), error(interpreters.Interpreter, 99))
