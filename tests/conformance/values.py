"""The values that can be sent, and what arrives."""

import math
import struct
from concurrent import interpreters

import interpreters as pep554
from runner import child, equal, raises, row, run

SOURCE = "docs/python.md, shareable values"

recv, send = pep554.create_channel(1)
queue = interpreters.create_queue()
echo = None


def ways(obj):
    """Send the object through a channel, a queue, a call and a binding, and return what arrives."""
    global echo
    if echo is None or echo not in interpreters.list_all():
        echo = interpreters.create()
    send.send(obj)
    yield recv.recv()
    queue.put(obj)
    yield queue.get()
    yield echo.call(list, (obj,))[0]
    echo.prepare_main(bound=obj)
    yield echo.call(eval, "bound")


def same(*objects):
    """Each object arrives unchanged, by every way."""
    for obj in objects:
        for got in ways(obj):
            equal(got, obj)


def refused(obj):
    """Neither a channel nor a binding accepts it."""
    assert interpreters.is_shareable(obj) is False, obj
    raises(interpreters.NotShareableError, send.send, obj)
    raises(interpreters.NotShareableError, child().prepare_main, x=obj)


@row(SOURCE)
def constants():
    """None, True and False arrive as themselves."""
    for obj in (None, True, False):
        assert all(got is obj for got in ways(obj)), obj


@row(SOURCE)
def integers():
    """Integers of any size arrive unchanged."""
    same(0, 1, -1, 255, 256, 2**31 - 1, -(2**31), 2**63, -(2**64), 10**1000, -(10**1000))


@row(SOURCE)
def huge_integers():
    """That also holds for more digits than str() accepts."""
    same(1 << 100_000, -(1 << 100_000) + 1)


@row(SOURCE)
def floats():
    """Floats arrive with every bit: signed zeros, infinities, the smallest and the largest."""
    for obj in (0.0, -0.0, 1.5, -1e-320, 5e-324, 1.7976931348623157e308, math.inf, -math.inf):
        for got in ways(obj):
            equal(struct.pack("<d", got), struct.pack("<d", obj))


@row(SOURCE)
def not_a_number():
    """NaN arrives as NaN, with its payload."""
    for bits in (b"\0\0\0\0\0\0\xf8\x7f", b"\1\2\3\4\5\6\xf8\xff"):
        for got in ways(struct.unpack("<d", bits)[0]):
            equal(struct.pack("<d", got), bits)


@row(SOURCE)
def complex_numbers():
    """Complex numbers arrive with both parts, and their signs."""
    same(1j, complex(1.5, -2))
    for got in ways(complex(-0.0, math.inf)):
        equal((math.copysign(1, got.real), got.imag), (-1.0, math.inf))


@row(SOURCE)
def text():
    """Strings arrive whatever they contain: nothing, nulls, characters of all planes."""
    same("", "a", "ascii text", "h\xe9", "\0", "a\0b", "\u4e2d", "\U0001f3dd", "\x7f\x80\xff")


@row(SOURCE)
def surrogates():
    """Lone surrogates are accepted in text."""
    same("\ud800", "a\udcffb", "\udc00\ud800")


@row(SOURCE)
def byte_strings():
    """Bytes arrive as bytes, bytearrays as bytearrays, also within other objects."""
    same(b"", b"\0\xff", bytes(range(256)), bytearray(), bytearray(b"x"))
    same([bytearray(b"a"), b"a"], {"k": bytearray(b"y")}, (bytearray(),))


@row("PEP 734, shareable objects: memoryview")
def memoryviews():
    """A memoryview arrives as a memoryview of the same bytes; they are copied, because memory is never
    shared here."""
    own = bytearray(b"abcd")
    for obj in (memoryview(own), memoryview(own)[1:3], memoryview(own)[::2], memoryview(b"")):
        for got in ways(obj):
            assert type(got) is memoryview and bytes(got) == bytes(obj), (got, obj)
    send.send(memoryview(own))
    own[0] = 0
    equal(bytes(recv.recv()), b"abcd")


@row(SOURCE)
def containers():
    """Tuples, lists, dicts, sets and frozensets arrive as such, empty or not."""
    same((), (1,), ((),), [], [1, [2, [3]]], {}, {"a": 1, (1, 2): {}}, set(), {1, "a", (2,)})
    same(frozenset(), frozenset({1, frozenset({2})}), {frozenset({1}): {1}}, [(), [], {}, set()])


@row(SOURCE)
def order_of_dicts():
    """A dict keeps its order."""
    for got in ways({"z": 1, "a": 2, "m": 3}):
        equal(list(got.items()), [("z", 1), ("a", 2), ("m", 3)])


@row(SOURCE)
def one_and_true():
    """Objects that are equal but of different types stay distinct."""
    for got in ways([1, True, 1.0, "1", b"1", 0, False, -0.0]):
        equal(
            [type(item).__name__ for item in got],
            ["int", "bool", "float", "str", "bytes", "int", "bool", "float"],
        )


@row(SOURCE)
def shared_objects():
    """An object that occurs twice in a message arrives as one object, also if it was replaced."""
    inner = ["shared"]
    array = bytearray(b"shared")
    for obj in ((inner, inner), (array, [array])):
        send.send(obj)
        first, second = recv.recv()
        second = second[0] if type(second) is list and type(first) is bytearray else second
        assert first is second, obj


@row(SOURCE)
def not_shared_between_messages():
    """An object that is sent twice arrives as two objects."""
    own = [1]
    first, second = (next(iter(ways(own))) for _ in range(2))
    assert first is not second and first is not own
    first.append(2)
    equal((own, second), ([1], [1]))


@row(SOURCE)
def huge():
    """Objects of many megabytes and of many parts arrive complete."""
    data = bytes(range(256)) * (1 << 14)
    same(data, "x" * (1 << 20), list(range(50_000)))


@row(SOURCE)
def deep():
    """Objects can be nested 80 levels deep."""
    obj = []
    for _ in range(80):
        obj = [obj]
    same(obj)


@row(SOURCE)
def too_deep():
    """An object that is nested too deeply is refused with NotShareableError, however deep it is."""
    for depth in (150, 1000, 3000):
        obj = []
        for _ in range(depth):
            obj = [obj]
        try:
            raises(interpreters.NotShareableError, send.send, obj)
        finally:
            # An object that is much deeper must not be freed at once: that is native recursion, and too
            # much of it crashes a guest.
            while obj:
                obj = obj.pop()


@row("PEP 734, is_shareable()")
def too_deep_to_be_shareable():
    """is_shareable() returns False for an object that is nested too deeply."""
    obj = []
    for _ in range(150):
        obj = [obj]
    assert interpreters.is_shareable(obj) is False


@row(SOURCE)
def cycles():
    """An object that contains itself is refused by a channel."""
    own = []
    own.append(own)
    refused(own)
    table = {}
    table["self"] = [table]
    refused(table)


@row(SOURCE)
def channel_and_queue_ends():
    """Ends of channels and queues arrive as such, within any other object."""
    ends = pep554.create_channel()
    other = interpreters.create_queue()
    for got in ways([*ends, {"queue": other}]):
        equal(got, [*ends, {"queue": other}])


@row(SOURCE)
def interpreters_as_values():
    """An interpreter can be sent to an interpreter that can name it, and arrives as the same one."""
    made = interpreters.create()
    send.send([made])
    assert recv.recv()[0] is made
    other = pep554.create()
    send.send(other)
    equal(recv.recv(), other)


@row("PEP 734, is_shareable()")
def is_shareable():
    """It returns True for each of these types, of which CPython supports fewer, and False if an object
    contains anything else."""
    for obj in (
        None, True, 1, 1.5, 1j, "", b"", bytearray(), memoryview(b""), (), [], {}, set(), frozenset(),
        [{"a": (1, {2})}], interpreters.create_queue(), recv, send,
    ):  # fmt: skip
        assert interpreters.is_shareable(obj) is True, obj
    for obj in (object(), [object()], {"a": {1: len}}, int, len, ..., NotImplemented, range(3)):
        assert interpreters.is_shareable(obj) is False, obj


@row(SOURCE)
def not_data():
    """Functions, classes, modules, iterators and Ellipsis are not data."""
    for obj in (len, lambda: 0, int, math, iter(()), (n for n in ()), ..., object(), range(3)):
        refused(obj)


@row(SOURCE)
def subclasses():
    """An instance of a subclass is not plain data, even if the base class is: it would arrive as an
    instance of another class."""
    kind = type("Own", (int,), {})
    refused(kind(3))
    refused([type("OwnList", (list,), {})()])
    refused({"a": type("OwnText", (str,), {})("x")})


@row(SOURCE)
def refused_as_a_whole():
    """If part of an object is not data, nothing is sent."""
    raises(interpreters.NotShareableError, send.send, [1, 2, {"deep": (object(),)}])
    raises(pep554.ChannelEmptyError, recv.recv_nowait)


if __name__ == "__main__":
    run()
