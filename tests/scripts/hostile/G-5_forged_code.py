#: row G-5
#: attack It runs forged bytecode.
#: outcome RAISE(SystemError)
#: stdout reached
#: stderr-has SystemError
print('reached', flush=True)


def f():
    return 1


f.__code__ = f.__code__.replace(co_code=bytes([0x7D, 0xFF] * 50), co_stacksize=0)
f()
