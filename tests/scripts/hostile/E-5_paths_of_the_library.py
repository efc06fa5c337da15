#: row E-5
#: attack It reads the paths that the library has for itself.
#: outcome OK
#: stdout many
#: stdout []
#: stdout reached
import importlib
import sys
import types

for name in ('json', 'asyncio', 'email.message', 'sqlite3', 'xml.dom.minidom', 'unittest', 'interpreters'):
    importlib.import_module(name)
names, todo = set(), []
for module in list(sys.modules.values()):
    names.add(str(getattr(module, '__file__', '/python')))
    todo += vars(module).values()
for obj in todo:
    if isinstance(obj, types.FunctionType):
        names.add(obj.__code__.co_filename)
    elif isinstance(obj, type):
        names |= {f.__code__.co_filename for f in vars(obj).values() if isinstance(f, types.FunctionType)}
print('many' if len(names) > 100 else len(names))
print(sorted(name for name in names if not name.startswith(('/python', '/bundled/', '/world/', '/0/', '<', 'script.py', 'None')))[:5])
print('reached')
