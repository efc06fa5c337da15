#: row G-5
#: attack It runs forged bytecode and loads forged marshalled code, in children.
#: outcome RAISE(InterpreterDied)
#: stdout stack underflow InterpreterDied
#: stdout stack overflow InterpreterDied
#: stdout constants InterpreterDied
#: stdout locals contained
#: stdout jump InterpreterDied
#: stdout stack size fine
#: stdout marshal ValueError
#: stdout marshal size OverflowError
import archipel
from concurrent.interpreters import ExecutionFailed

FORGE = """
import dis
def f(a=1): return a
def forged(*ops, **kwargs):
    code = bytes(byte for op, arg in ops for byte in (dis.opmap[op], arg))
    f.__code__ = f.__code__.replace(co_code=code, **kwargs)
    return f()
"""
ATTACKS = {
    'stack underflow': FORGE + "forged(('RESUME', 0), *[('POP_TOP', 0)] * 200, ('RETURN_VALUE', 0))",
    'stack overflow': FORGE + "forged(('RESUME', 0), *[('LOAD_FAST', 0)] * 100_000, ('RETURN_VALUE', 0), co_stacksize=1)",
    'constants': FORGE + "forged(('RESUME', 0), ('LOAD_CONST', 255), ('RETURN_VALUE', 0), co_consts=())",
    'locals': FORGE + "forged(('RESUME', 0), ('LOAD_FAST', 255), ('RETURN_VALUE', 0))",
    'jump': FORGE + "forged(('RESUME', 0), ('EXTENDED_ARG', 255), ('EXTENDED_ARG', 255), ('JUMP_FORWARD', 255))",
    'stack size': FORGE + "forged(('RESUME', 0), ('LOAD_FAST', 0), ('RETURN_VALUE', 0), co_stacksize=2**31 - 1)",
    'marshal': "import marshal; marshal.loads(b'c' + b'\\xff' * 100)",
    'marshal size': "import marshal; marshal.loads(b's\\xff\\xff\\xff\\x7f')",
}
for name, source in ATTACKS.items():
    child = archipel.create(limits={'cpu': 1})
    try:
        child.exec(source)
        # Whatever lies behind the locals can be an object by chance.
        print(name, 'contained' if name == 'locals' else 'fine')
    except archipel.InterpreterDied:
        print(name, 'contained' if name == 'locals' else 'InterpreterDied')
    except archipel.LimitExceeded as error:
        print(name, 'LimitExceeded', error.kind)
    except ExecutionFailed as error:
        print(name, error.excinfo.type.__name__)
