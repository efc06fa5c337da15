#: row T-1
#: attack It raises exceptions whose texts raise, loop, are not text, or are endless.
#: outcome RAISE(unprintable)
#: stdout raises: <unprintable Evil object>
#: stdout recurses: <unprintable Evil object>
#: stdout no text: <unprintable Evil object>
#: stdout long: True
#: stdout loops: LimitExceeded cpu
#: stdout class: <unprintable Evil object>
#: stdout name: <unprintable Evil object>
#: stdout memory: <unprintable Evil object>
import archipel
from concurrent.interpreters import ExecutionFailed

TEXTS = {
    'raises': 'raise self',
    'recurses': 'return str(self)',
    'no text': 'return 1',
    'long': "return 'x' * 10**7",
    'loops': 'while True: pass',
    'class': 'self.__class__ = None',
    'name': 'raise type(str(), (BaseException,), {})',
    'memory': "return 'x' * 10**9",
}
for name, text in TEXTS.items():
    cpu = 0.5 if name == 'loops' else 20
    child = archipel.create(limits={'cpu': cpu, 'memory': 256 << 20})
    try:
        child.exec(f"""
class Evil(Exception):
    def __str__(self):
        {text}
    __repr__ = __str__
raise Evil
""")
    except ExecutionFailed as error:
        message = error.excinfo.msg
        print(f'{name}:', len(message) < 70_000 if name == 'long' else message)
    except archipel.LimitExceeded as error:
        print(f'{name}: LimitExceeded', error.kind)
