#: row R-5
#: attack It reads and writes JSON that is nested a hundred thousand levels deep.
#: outcome RAISE(InterpreterDied)
#: stdout loads InterpreterDied: wasm trap: call stack exhausted
#: stdout dumps InterpreterDied: wasm trap: call stack exhausted
#: stdout cycle ValueError
import archipel
from concurrent.interpreters import ExecutionFailed

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
    child = archipel.create()
    try:
        child.exec(source)
        print(name, 'fine')
    except archipel.InterpreterDied as error:
        print(name, f'InterpreterDied: {str(error).removeprefix("the interpreter died: ")}')
    except ExecutionFailed as error:
        print(name, error.excinfo.type.__name__)
