#: row I-10
#: row I-11
#: attack It runs code in interpreters that are dead, closed or running, in itself, and in its parent.
#: outcome RAISE(InterpreterError)
#: stdout dies InterpreterDied
#: stdout dead InterpreterNotFoundError
#: stdout closed InterpreterNotFoundError
#: stdout running InterpreterError
#: stdout close running InterpreterError
#: stdout itself InterpreterError
#: stdout close itself InterpreterError
#: stdout parent exec InterpreterError
#: stdout parent close InterpreterError
#: stdout parent exec InterpreterError
#: stdout parent close InterpreterError
import archipel
from concurrent import interpreters


def attempt(name, function, *args):
    try:
        print(name, function(*args))
    except Exception as error:
        print(name, type(error).__name__)


dead = archipel.create()
attempt('dies', dead.exec, 'import os; os.abort()')
attempt('dead', dead.exec, 'x = 1')
closed = interpreters.create()
closed.close()
attempt('closed', closed.exec, 'x = 1')
busy = archipel.create()
thread = busy.call_in_thread(exec, 'import time; time.sleep(1e6)')
attempt('running', busy.exec, 'x = 1')
attempt('close running', busy.close)
attempt('itself', interpreters.get_current().exec, 'x = 1')
attempt('close itself', interpreters.get_current().close)
child = interpreters.create()
child.exec("""
from concurrent import interpreters
for number in (0, interpreters.get_main().id):
    for verb in ('exec', 'close'):
        try:
            parent = interpreters.Interpreter(number)
            parent.exec('x = 1') if verb == 'exec' else parent.close()
        except interpreters.InterpreterError as error:
            print('parent', verb, type(error).__name__)
""")
busy.kill()
