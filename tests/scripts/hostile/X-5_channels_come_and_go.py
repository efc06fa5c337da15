#: row X-5
#: row H-7
#: attack It creates and closes channels, thousands, and looks for a number that is used again.
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
