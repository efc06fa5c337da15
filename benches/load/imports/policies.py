"""`interpreters.create-with` with the largest possible policy."""

import archipel

POLICY = {
    'dirs': {f'/{number}': {'from': '/data'} for number in range(256)},
    'args': ['x'] * 4096,
    'path': ['/data'] * 4096,
}


def step():
    archipel.create(policy=POLICY).close()
