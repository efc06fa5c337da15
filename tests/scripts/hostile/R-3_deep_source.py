#: outcome died or exit 0 or exit 1
#: stdout reached
print('reached', flush=True)
for source in ('(' * 100_000, '-' * 10**5 + '1', 'a' + '.b' * 10**5, 'lambda:' * 10**4):
    try:
        eval(source)
    except (SyntaxError, MemoryError, RecursionError, NameError):
        pass
