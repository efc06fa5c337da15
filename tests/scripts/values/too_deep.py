#: stdout NotShareableError
#: stdout NotShareableError
import interpreters

recv, send = interpreters.create_channel(capacity=1)
for depth in (101, 100_000):
    deep = ()
    for _ in range(depth):
        deep = (deep,)
    try:
        send.send(deep)
    except (interpreters.NotShareableError, RecursionError) as error:
        print('NotShareableError')
