#: row X-3
#: attack It sends messages of sizes close to its own limit.
#: outcome RAISE(ValueError)
#: message 1000
#: stdout 1000 fine
#: stdout 1001 ValueError: too large: the limit is 1000
#: stdout 100000 ValueError: too large: the limit is 1000
import interpreters

recv, send = interpreters.create_channel(capacity=None)
for size in (1000, 1001, 100_000):
    try:
        send.send(bytes(size - 5))
        print(size, 'fine')
    except ValueError as error:
        print(size, f'{type(error).__name__}: {error}')
