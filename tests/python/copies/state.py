import collections, decimal, hashlib, itertools, re, struct
decimal.getcontext().prec = 5
digest = hashlib.sha256(b'a')
counter = itertools.count(7); next(counter)
pattern = re.compile(r'(\d+)')
queue = collections.deque([1, 2], maxlen=2)
def generate():
    for i in range(9): yield i
steps = generate(); next(steps)
large = bytearray(b'x') * 5_000_000
loop = []; loop.append(loop)
