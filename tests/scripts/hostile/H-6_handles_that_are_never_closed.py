#: row H-6
#: attack It makes handles for ever.
#: outcome LIMIT(handles)
#: handles 100
#: stdout reached
import interpreters

print('reached', flush=True)
kept = []
while True:
    try:
        kept.append(interpreters.create_channel())
    except BaseException:
        pass
