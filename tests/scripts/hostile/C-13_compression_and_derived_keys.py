#: row C-13
#: attack It compresses and hashes without end; some of the modules for that are absent.
#: outcome RAISE(LimitExceeded)
#: with attacks
#: stdout zlib LimitExceeded(cpu)
#: stdout pbkdf2 AttributeError
#: stdout scrypt AttributeError
#: stdout lzma ModuleNotFoundError
#: stdout bz2 ModuleNotFoundError
ATTACKS = {
    'zlib': "import zlib; [zlib.compress(bytes(range(256)) * 10**5, 9) for _ in range(1000)]",
    'pbkdf2': "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
    'scrypt': "import hashlib; hashlib.scrypt(b'', salt=b'', n=2**30, r=8, p=1)",
    'lzma': "import lzma",
    'bz2': "import bz2",
}

for name, source in ATTACKS.items():
    # Code that ends by itself gets enough time for a loaded machine.
    cpu = 0.5 if name == 'zlib' else 60
    print(name, outcome(source, limits={'cpu': cpu, 'memory': 128 << 20}))
