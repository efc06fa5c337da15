#: wall 1s
#: outcome limit
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
