"""`interpreters.create`, `list-all`, `kill`, `cancel` with a long text, and the destruction of a tree."""

import archipel
import interpreters


def step():
    children = [archipel.create() for _ in range(16)]
    interpreters.list_all()
    for child in children[:8]:
        child.cancel('x' * 60_000)
    for child in children[8:]:
        child.kill()
