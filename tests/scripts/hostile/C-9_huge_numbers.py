#: row C-9
#: attack It computes with numbers of millions of digits, each in a single operation.
#: outcome RAISE(LimitExceeded)
#: with attacks
#: stdout factorial LimitExceeded(cpu)
#: stdout pow LimitExceeded(cpu)
#: stdout digits LimitExceeded(cpu)
#: stdout decimal MemoryError
#: stdout fractions LimitExceeded(cpu)
ATTACKS = {
    'factorial': 'import math; math.factorial(10**7)',
    'pow': 'pow(3**100_000, 5**100_000, 7**100_000)',
    'digits': "import sys; sys.set_int_max_str_digits(0); int('7' * 10**7)",
    'decimal': 'from decimal import *; getcontext().prec = 4 * 10**8; Decimal(2).sqrt()',
    'fractions': """
from fractions import Fraction
x = Fraction(1, 3)
while True:
    x = x * x + 1
""",
}

for name, source in ATTACKS.items():
    print(name, outcome(source, limits={'cpu': 0.2, 'memory': 128 << 20}))
