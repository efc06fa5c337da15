#: wall 2s
#: outcome limit
#: stdout-limit 1000
while True:
    print('x' * 1000)
