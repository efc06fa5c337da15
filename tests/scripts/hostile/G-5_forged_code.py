#: outcome died or exit 0 or exit 1
#: stdout reached
print('reached', flush=True)


def f():
    return 1


f.__code__ = f.__code__.replace(co_code=bytes([0x7D, 0xFF] * 50), co_stacksize=0)
f()
