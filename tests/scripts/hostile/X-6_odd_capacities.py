#: row X-6
#: attack It creates channels with invalid capacities.
#: outcome RAISE(ValueError)
#: stdout 0 fine
#: stdout 1 fine
#: stdout -1 ValueError
#: stdout 2147483648 fine
#: stdout 18446744073709551616 ValueError
#: stdout True TypeError
#: stdout 1.5 TypeError
#: stdout '1' TypeError
#: stdout None fine
import interpreters

for capacity in (0, 1, -1, 2**31, 2**64, True, 1.5, '1', None):
    try:
        interpreters.create_channel(capacity=capacity)
        print(repr(capacity), 'fine')
    except (ValueError, TypeError, OverflowError) as error:
        print(repr(capacity), type(error).__name__)
