#: row T-5
#: attack It raises through thousands of frames, huge lines, and files with names that would corrupt a page.
#: outcome RAISE(ExecutionFailed)
#: stdout frames True
#: stdout lines True
#: stdout name True
#: stdout ExecutionFailed 3 times
from concurrent.interpreters import ExecutionFailed, create

ATTACKS = {
    'frames': """
def deep(n):
    if n:
        other(n - 1)
    1 / 0
def other(n):
    deep(n)
import sys
sys.setrecursionlimit(8000)
deep(3000)
""",
    'lines': "x = '" + 'x' * (1 << 20) + "'; 1 / 0",
    'name': r"exec(compile('1 / 0', '</script>\x1b[31m\n\x00' + 'x' * 100_000, 'exec'))",
}
failed = 0
for name, source in ATTACKS.items():
    try:
        create().exec(source)
    except ExecutionFailed as error:
        failed += 1
        print(name, len(error.excinfo.errdisplay) < 70_000)
print('ExecutionFailed', failed, 'times')
