#: outcome exit 1
#: stderr-has RuntimeError
import builtins
import sys
import traceback

for name in ('print', 'type', 'len', 'isinstance', 'open', '__import__'):
    setattr(builtins, name, None)
sys.excepthook = None
traceback.format_exception = None
raise RuntimeError('told anyway')
