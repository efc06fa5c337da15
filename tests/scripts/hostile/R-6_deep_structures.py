#: row R-6
#: attack It copies, pickles, marshals and parses data that is nested a hundred thousand levels deep.
#: outcome RAISE(RecursionError)
#: with attacks
#: stdout copy RecursionError
#: stdout pickle RecursionError
#: stdout marshal ValueError
#: stdout plistlib ExpatError
#: stdout xml InterpreterDied
#: stdout ast MemoryError
DEEP = """
deep = []
for _ in range(10**5):
    deep = [deep]
"""
ATTACKS = {
    'copy': DEEP + 'import copy; copy.deepcopy(deep)',
    'pickle': DEEP + 'import pickle; pickle.dumps(deep)',
    'marshal': DEEP + 'import marshal; marshal.dumps(deep)',
    'plistlib': "import plistlib; plistlib.loads(b'<plist>' + b'<array>' * 10**5)",
    'xml': "import xml.etree.ElementTree as t; t.fromstring('<a>' * 10**5)",
    'ast': "import ast; ast.literal_eval('-' * 10**4 + '1')",
}

for name, source in ATTACKS.items():
    print(name, outcome(source))
