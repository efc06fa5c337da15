begun = False
while True:
    try:
        if not begun:
            begun = True
            print('begun', flush=True)
        while True:
            pass
    except BaseException:
        print('caught', flush=True)
