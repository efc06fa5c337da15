#: row X-21
#: attack It selects over more cases than the host accepts, and than there are handles.
#: outcome RAISE(ValueError)
#: stdout ValueError ValueError ValueError
#: stdout ValueError ValueError ValueError
#: stdout it goes on
import archipel

recv, send = archipel.channel(1)


def outcome(*cases):
    try:
        archipel.select(*cases, timeout=0)
    except Exception as error:
        return type(error).__name__


for case in recv, (send, b"x"):
    print(*(outcome(*[case] * count) for count in (1025, 10_000, 100_000)))
assert outcome(*[recv] * 1024) == "TimeoutError"
print("it goes on")
