#: row M-10
#: attack It chains a hundred thousand exceptions, each with a traceback.
#: outcome EXIT(1)
#: memory 256MiB
#: stdout reached
#: stderr-has ValueError: the last
def chain():
    last = None
    for n in range(10**5):
        try:
            raise ValueError(n)
        except ValueError as error:
            error.__context__ = last
            last = error
    print('reached', flush=True)
    raise ValueError('the last')


chain()
