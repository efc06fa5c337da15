from concurrent import interpreters
from _island import aliases
texts = set()
for number in (1, 2, 3, 99, 2**40):
    try:
        interpreters.Interpreter(number)
    except interpreters.InterpreterNotFoundError as error:
        texts.add(str(error).replace(str(number), 'N'))
names = set()
for name in ('hidden', 'absent'):
    try:
        aliases.call(name, (), {})
    except NameError as error:
        names.add(str(error).replace(name, 'N'))
