#: outcome died or exit 0
#: stdout reached
import json

print('reached', flush=True)
try:
    json.loads('[' * 10**5)
except RecursionError:
    pass
