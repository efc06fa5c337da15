#: stdout pure Python's
#: stdout the one in C
# Blocking the import of one module affects modules that import it, as in CPython, whose tests use this to select the
# versions of modules that are written in Python.
import sys

sys.modules['_pickle'] = None
import pickle

print("pure Python's" if pickle.Pickler is pickle._Pickler else 'not forbidden')
del sys.modules['_pickle'], sys.modules['pickle']
import pickle

print('the one in C' if pickle.Pickler.__module__ == '_pickle' else 'forbidden still')
