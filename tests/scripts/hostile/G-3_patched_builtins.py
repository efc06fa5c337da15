#: row G-3
#: attack It replaces the builtins and modules that report errors.
#: outcome RAISE(RuntimeError)
#: stderr-has RuntimeError
#: stdout reached
import builtins
import sys
import traceback

print('reached', flush=True)
for name in ('print', 'type', 'len', 'isinstance', 'open', '__import__'):
    setattr(builtins, name, None)
sys.excepthook = None
traceback.format_exception = None
raise RuntimeError('told anyway')
