#: row R-5
#: attack It reads and writes JSON that is nested a hundred thousand levels deep.
#: outcome RAISE(InterpreterDied)
#: with attacks
#: stdout loads InterpreterDied: wasm trap: call stack exhausted
#: stdout dumps InterpreterDied: wasm trap: call stack exhausted
#: stdout cycle ValueError
ATTACKS = {
    'loads': "import json; json.loads('[' * 10**5)",
    'dumps': """
import json
deep = []
for _ in range(10**5):
    deep = [deep]
json.dumps(deep)
""",
    'cycle': """
import json
cycle = []
cycle.append(cycle)
json.dumps(cycle)
""",
}

for name, source in ATTACKS.items():
    print(name, outcome(source, reasons=True))
