#: wall 1s
#: outcome limit
#: stdout reached
print('reached', flush=True)
while True:
    pass
