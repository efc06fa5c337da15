"""`interpreters.create-with` and the largest policy that there can be."""

import archipel

POLICY = {
    'dirs': {f'/{number}': {'from': '/data'} for number in range(256)},
    'args': ['x'] * 4096,
    'path': ['/data'] * 4096,
}


def step():
    archipel.create(policy=POLICY).close()
