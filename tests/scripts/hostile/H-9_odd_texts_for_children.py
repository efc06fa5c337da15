#: row H-9
#: attack It governs a child with names and messages that are not text, or that the host cannot represent.
#: outcome RAISE(TypeError)
#: stdout TypeError UnicodeEncodeError ValueError ValueError ok
#: stdout TypeError UnicodeEncodeError ValueError ValueError ok
#: stdout TypeError UnicodeEncodeError False False ok
#: stdout TypeError UnicodeEncodeError False False ok
#: stdout TypeError UnicodeEncodeError ExecutionFailed ExecutionFailed ok
#: stdout TypeError UnicodeEncodeError None None ok
#: stdout it goes on
import archipel

child = archipel.create()


def outcome(act, *args):
    try:
        return act(*args)
    except Exception as error:
        return type(error).__name__


class Odd(str):
    def encode(self, *_):
        raise ValueError

    __hash__ = __eq__ = __str__ = encode


for name, rest in [
    ("alias", (print,)), ("hide", ()), ("unalias", ()), ("expose", ()), ("invoke_hidden", ()), ("cancel", ()),
]:
    act = getattr(child, name)
    print(*(outcome(act, odd, *rest) for odd in (True, "\ud800", "a\0b", "x y")), end=" ")
    outcome(act, Odd("odd"), *rest)
    print("ok")
child.exec("pass")
print("it goes on")
