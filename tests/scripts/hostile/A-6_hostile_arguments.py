#: row A-6
#: attack It calls aliases with arguments that are too large, too deep, not data, or odd.
#: outcome RAISE(ValueError)
#: alias echo
#: stdout object NotShareableError
#: stdout subclass NotShareableError
#: stdout deep NotShareableError
#: stdout cycle NotShareableError
#: stdout huge ValueError
#: stdout nan nan
#: stdout surrogate '\ud800'
#: stdout zero byte 'a\x00b'
#: stdout function NotShareableError
#: stdout many 0
class Text(str):
    def __reduce__(self):
        return eval, ('1',)


deep = []
for _ in range(10**4):
    deep = [deep]
cycle = []
cycle.append(cycle)
ARGUMENTS = {
    'object': object(),
    'subclass': Text('x'),
    'deep': deep,
    'cycle': cycle,
    'huge': bytes(70 << 20),
    'nan': float('nan'),
    'surrogate': '\ud800',
    'zero byte': 'a\0b',
    'function': print,
}
for name, argument in ARGUMENTS.items():
    try:
        print(name, ascii(echo(argument))[:20])
    except Exception as error:
        print(name, type(error).__name__)
print('many', echo(*range(10**5)))
while deep:
    deep = deep.pop()
