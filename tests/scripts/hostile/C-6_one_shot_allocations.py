#: row C-6
#: attack It allocates more than its memory at once, in six ways.
#: outcome RAISE(MemoryError)
#: memory 128MiB
#: stdout 6 of MemoryError
attempts = [
    lambda: [0] * 10**9,
    lambda: bytes(10**9),
    lambda: b'x' * 10**9,
    lambda: ''.ljust(10**9),
    lambda: '%1000000000d' % 1,
    lambda: f'{1:1000000000}',
]
refused = 0
for attempt in attempts:
    try:
        attempt()
    except MemoryError:
        refused += 1
print(refused, 'of MemoryError')
