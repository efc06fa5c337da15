#: row X-5
#: row H-7
#: attack It creates and closes thousands of channels, and looks for a number that is reused.
#: outcome OK
#: stdout 20000 numbers
import interpreters

numbers = set()
for _ in range(20_000):
    recv, send = interpreters.create_channel()
    numbers.add(recv.id)
    recv.release()
    send.release()
print(len(numbers), 'numbers')
