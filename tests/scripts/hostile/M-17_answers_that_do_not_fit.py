#: row M-17
#: attack It calls aliases, children and evaluates with results of many sizes, most of which do not fit into memory.
#: outcome OK
#: stdout bytes [1] fits, [60] MemoryError, dead 0
#: stdout str [1] fits, [60] MemoryError, dead 0
#: stdout list [1] fits, [60] MemoryError, dead 0
#: stdout dict [1] fits, [60] MemoryError, dead 0
#: stdout it goes on
import archipel

MAKE = {
    'bytes': lambda mib: bytes(mib << 20),
    'str': lambda mib: 'x' * (mib << 20),
    'list': lambda mib: [bytes(1 << 10)] * (mib << 4) + [bytes(mib << 20)],
    'dict': lambda mib: {'key': bytearray(mib << 20)},
}
child = archipel.create(limits={'memory': 64 << 20})
for name, make in MAKE.items():
    child.alias(f'make_{name}', make)
    seen = {}
    for mib in (1, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20, 24, 32, 40, 60):
        child.exec(f"""
try:
    make_{name}({mib})
except MemoryError:
    got = 'MemoryError'
else:
    got = 'fits'
""")
        seen[mib] = child.call(eval, 'got')
    dead = len(set(seen.values()) - {'fits', 'MemoryError'})
    print(f'{name} [1] {seen[1]}, [60] {seen[60]}, dead {dead}')
child.exec('del got')
print('it goes on' if child.call(eval, '1 + 1') == 2 else '')
