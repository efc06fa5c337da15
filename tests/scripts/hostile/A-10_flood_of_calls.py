#: row A-10
#: attack It calls an alias in a loop.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: alias echo
#: stdout reached
print('reached', flush=True)
while True:
    echo(1)
