#: row R-7
#: attack It prints, compares and hashes lists that contain themselves or are nested too deeply.
#: outcome RAISE(InterpreterDied)
#: with attacks
#: stdout [[...]]
#: stdout cycles InterpreterDied: wasm trap: call stack exhausted
#: stdout repr InterpreterDied: wasm trap: call stack exhausted
#: stdout equal InterpreterDied: wasm trap: call stack exhausted
#: stdout hash InterpreterDied: wasm trap: call stack exhausted
cycle = []
cycle.append(cycle)
print(cycle)

DEEP = """
def nested(kind):
    deep = kind()
    for _ in range(10**5):
        deep = kind([deep])
    return deep
"""
CYCLES = """
one, other = [], []
one.append(one)
other.append(other)
"""
ATTACKS = {
    'cycles': CYCLES + 'one == other',
    'repr': DEEP + 'deep = nested(list); repr(deep)',
    'equal': DEEP + 'one, other = nested(list), nested(list); one == other',
    'hash': DEEP + 'deep = nested(tuple); hash(deep)',
}

for name, source in ATTACKS.items():
    print(name, outcome(source, reasons=True))
