#: row C-11
#: attack It sorts by keys that change the list, and by a comparison that contradicts itself.
#: outcome RAISE(ValueError)
#: stdout ValueError: list modified during sort
#: stdout 5000 sorted
from functools import cmp_to_key
from random import choice

items = list(range(100))
try:
    items.sort(key=lambda item: items.append(item) or 0)
except ValueError as error:
    print(f'ValueError: {error}')
print(len(sorted(range(5000), key=cmp_to_key(lambda a, b: choice((-1, 1))))), 'sorted')
