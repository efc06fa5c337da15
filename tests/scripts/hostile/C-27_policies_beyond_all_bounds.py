#: row C-27
#: attack It requests a child with more directories, destinations, variables, arguments or modules than are allowed.
#: outcome OK
#: dir ro /data
#: cpu 20s
#: audit cannot grant 4097 hidden modules: at most 4096
#: stdout dirs at most 256
#: stdout net at most 4096
#: stdout env at most 4096
#: stdout args at most 4096
#: stdout path at most 4096
#: stdout hide at most 4096
#: stdout shared refused
#: stdout well 1
import archipel

EXCESSIVE = {
    'dirs': {f'/{n:x}': {'from': '/data'} for n in range(3000)},
    'net': [f'10.{n >> 8}.{n & 255}.1:80' for n in range(4097)],
    'env': {f'V{n}': '' for n in range(4097)},
    'args': [''] * 4097,
    'path': ['/p'] * 4097,
    'hide': ['m'] * 4097,
}
for key, value in EXCESSIVE.items():
    try:
        if key == 'hide':
            value = {'hide': [f'm{n}' for n in range(4097)]}
        archipel.create(policy={'modules' if key == 'hide' else key: value})
    except Exception as error:
        text = str(error)
        print(key, text[text.index('at most'):], flush=True)

# Each reference to the list counts, so that a short policy cannot expand to a large one.
list_of_lists = ['x'] * 100
for _ in range(3):
    list_of_lists = [list_of_lists] * 100
try:
    archipel.create(policy={'args': list_of_lists})
except Exception:
    print('shared refused')
child = archipel.create(policy={'dirs': {f'/{n}': {'from': '/data'} for n in range(256)}})
child.exec('import os; os.listdir("/255")')
print('well', 1)
