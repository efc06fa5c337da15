#: row C-14
#: attack It compiles sources of a million lines, of endless expressions, and with constants to be folded.
#: outcome RAISE(MemoryError)
#: stdout lines MemoryError
#: stdout expression InterpreterDied
#: stdout folding fine
#: stdout in the loop MemoryError
import archipel
from concurrent.interpreters import ExecutionFailed

ATTACKS = {
    'lines': r"compile('x = 1\n' * 10**6, '', 'exec')",
    'expression': "compile('1' + '+1' * 10**5, '', 'eval')",
    # The compiler does not fold constants that would be large.
    'folding': "compile(\"'a' * (2**15) * (2**15)\", '', 'eval')",
    'in the loop': "eval(\"'a' * (2**15) * (2**15)\")",
}
for name, source in ATTACKS.items():
    child = archipel.create(limits={'cpu': 20, 'memory': 256 << 20})
    try:
        child.exec(source)
        print(name, 'fine')
    except archipel.LimitExceeded as error:
        print(name, f'LimitExceeded({error.kind})')
    except archipel.InterpreterDied:
        print(name, 'InterpreterDied')
    except ExecutionFailed as error:
        print(name, error.excinfo.type.__name__)
