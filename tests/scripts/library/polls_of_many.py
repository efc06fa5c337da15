#: stdout POLLHUP
#: stdout OSError [Errno 28] Invalid argument
#: stdout 4000
# libc rejects a stream that is polled for the wrong direction, and lists the descriptors on its stack.
import select

poll = select.poll()
poll.register(1, select.POLLIN)
[(_, events)] = poll.poll(0)
print('POLLHUP' if events == select.POLLHUP else events)

for count in (50_000, 4_000):
    poll = select.poll()
    for number in range(count):
        poll.register(number)
    try:
        print(len(poll.poll(0)))
    except OSError as error:
        print('OSError', error)
