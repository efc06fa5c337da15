#: row C-28
#: attack It requests children with policies of the maximum size, in a loop.
#: outcome LIMIT(cpu)
#: dir ro /data
#: cpu 2s
#: stdout reached
import archipel

policy = {
    'dirs': {f'/{n}': {'from': '/data'} for n in range(256)},
    'args': ['x'] * 4096,
}
print('reached', flush=True)
while True:
    try:
        archipel.create(policy=policy)
    except Exception:
        pass
