#: row C-2
#: attack It loops for ever and catches whatever would end the loop.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
print('reached', flush=True)
while True:
    try:
        while True:
            pass
    except BaseException:
        print('caught', flush=True)
    finally:
        print('finally', flush=True)
