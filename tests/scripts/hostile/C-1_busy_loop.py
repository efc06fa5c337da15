#: wall 200ms
#: outcome limit
#: stdout reached
print('reached', flush=True)
while True:
    pass
