#: row C-2
#: attack It loops forever and catches every exception that would end the loop.
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
