"""`interpreter.copy` of an interpreter that has written to much of its memory."""

import archipel

image = archipel.create()
image.exec('kept = bytearray(b"x") * (32 << 20)')


def step():
    copy = archipel.create(image=image)
    copy.exec('kept[::4096] = bytes(len(kept) // 4096)')
    copy.close()
