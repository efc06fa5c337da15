#: stdout ValueError ValueError TypeError TypeError TypeError
import interpreters


def outcome(capacity):
    try:
        interpreters.create_channel(capacity)
    except Exception as error:
        return type(error).__name__


print(outcome(-1), outcome(1 << 32), outcome(1.5), outcome(True), outcome('1'))
