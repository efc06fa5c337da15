begun.send(1)
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
