#: row S-1
#: attack It exits with a status that no process can have.
#: outcome EXIT(7)
#: stdout reached
print('reached')
exit(2**40 + 7)
