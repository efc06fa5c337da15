#: stdout NotShareableError
import interpreters


class Evil:
    def __reduce__(self):
        return eval, ("print('evil')",)


recv, send = interpreters.create_channel(capacity=1)
try:
    send.send(Evil())
except interpreters.NotShareableError as error:
    print(type(error).__name__)
