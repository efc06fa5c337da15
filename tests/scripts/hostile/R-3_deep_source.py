#: row R-3
#: attack It compiles source text that is nested thousands of levels deep, in ten ways.
#: outcome RAISE(MemoryError)
#: with attacks
#: stdout parentheses MemoryError
#: stdout minus MemoryError
#: stdout not MemoryError
#: stdout lists MemoryError
#: stdout attributes InterpreterDied: wasm trap: call stack exhausted
#: stdout lambdas MemoryError
#: stdout texts MemoryError
#: stdout conditions IndentationError
#: stdout assignments fine
#: stdout calls MemoryError
SOURCES = {
    'parentheses': '"(" * 100_000',
    'minus': '"-" * 10**5 + "1"',
    'not': '"not " * 10**5 + "1"',
    'lists': '"[" * 10**5',
    'attributes': '"a" + ".b" * 10**5',
    'lambdas': '"lambda:" * 10**4 + "1"',
    'texts': '"f\'{" * 1000 + "1" + "}\'" * 1000',
    'conditions': '"".join(" " * n + "if 1:\\n" for n in range(1000)) + " " * 1000 + "pass"',
    'assignments': '"a = " * 10**5 + "1"',
    'calls': '"f(" * 10**4',
}
ATTACKS = {name: f"compile({source}, '', 'exec')" for name, source in SOURCES.items()}

for name, source in ATTACKS.items():
    print(name, outcome(source, reasons=True))
