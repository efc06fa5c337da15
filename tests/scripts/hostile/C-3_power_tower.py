#: wall 1s
#: outcome limit
#: stdout reached
print('reached', flush=True)
9**9**9
