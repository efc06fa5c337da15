"""`aliases.call` of another interpreter with large arguments, `aliases.reply`, `aliases.names`."""

import archipel

child = archipel.create()
child.alias('same', lambda data: data)
child.exec('data = bytes(16 << 20)')


def step():
    child.exec('same(data)')
