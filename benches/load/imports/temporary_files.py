"""The private `/tmp` of a child, filled with names, and its removal."""

import archipel


def step():
    child = archipel.create()
    child.exec('import os\nfor number in range(500): os.mkdir(f"/tmp/{number}")')
    child.close()
