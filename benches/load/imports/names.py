"""`alias`, `unalias`, `hide`, `expose` and their lists, with the maximum number of names."""

import archipel

child = archipel.create()
for number in range(4000):
    child.alias(f'name{number}', len)


def step():
    child.aliases()
    child.hidden()
    child.alias('another', len)
    child.hide('another')
    child.expose('another')
    child.unalias('another')
