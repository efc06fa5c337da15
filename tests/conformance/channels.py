"""The channels of PEP 554: what they transport."""

import threading
from concurrent import interpreters as ci

import interpreters
from interpreters import (
    ChannelEmptyError,
    NotReceivedError,
    RecvChannel,
    SendChannel,
    create_channel,
)
from runner import equal, raises, row, run


def elsewhere(source, **channels):
    """Run source in a new interpreter, in parallel with this one; return both, so that they are kept."""
    made = interpreters.create()
    return made, made.run_in_thread(source, channels=channels)


@row("PEP 554, create_channel()")
def ends():
    """It returns the two ends, which share the channel's id."""
    recv, send = create_channel()
    assert type(recv) is RecvChannel and type(send) is SendChannel
    equal(recv.id, send.id)
    assert recv != send and create_channel()[0].id != recv.id
    raises(AttributeError, setattr, recv, "id", 3)


@row("PEP 554, SendChannel.send(): wait until it is received")
def rendezvous():
    """Without a capacity nothing is queued: a send ends when the object is received."""
    recv, send = create_channel()
    equal(send.send_nowait(1), False)
    raises(NotReceivedError, send.send, 1, timeout=0.01)
    raises(ChannelEmptyError, recv.recv_nowait)
    kept = elsewhere("s.send(1); s.send(2)", s=send)
    equal([recv.recv(), recv.recv()], [1, 2])
    kept[1].join()


@row("interpreters, create_channel(capacity)")
def buffered():
    """With a capacity of n, the channel queues n objects, and the next send waits."""
    recv, send = create_channel(2)
    send.send(1)
    equal(send.send_nowait(2), True)
    equal(send.send_nowait(3), False)
    raises(NotReceivedError, send.send, 3, timeout=0.01)
    equal([recv.recv(), recv.recv()], [1, 2])
    raises(ChannelEmptyError, recv.recv_nowait)


@row("interpreters, create_channel(None)")
def unbounded():
    """With None the number of queued objects is not limited."""
    recv, send = create_channel(None)
    for n in range(1000):
        send.send(n)
    equal([recv.recv() for _ in range(1000)], list(range(1000)))


@row("interpreters, create_channel(capacity)")
def bad_capacities():
    """A negative capacity is a ValueError, one that is not an int a TypeError."""
    raises(ValueError, create_channel, -1)
    for capacity in (1.5, "1", True):
        raises(TypeError, create_channel, capacity)


@row("PEP 554, RecvChannel.recv()")
def first_in_first_out():
    """Objects arrive in the order in which they were sent."""
    recv, send = create_channel(None)
    for obj in ("a", "b", "c"):
        send.send(obj)
    equal([recv.recv() for _ in range(3)], ["a", "b", "c"])


@row("interpreters, RecvChannel.recv(timeout)")
def recv_times_out():
    """It raises TimeoutError if nothing arrives in time, and loses nothing that arrives later."""
    recv, send = create_channel(1)
    raises(TimeoutError, recv.recv, timeout=0.01)
    raises(TimeoutError, recv.recv, timeout=0)
    send.send(1)
    equal(recv.recv(timeout=0), 1)


@row("PEP 554, RecvChannel.recv_nowait()")
def recv_nowait():
    """It returns the next object, or else the default, which may be None, or else raises."""
    recv, send = create_channel(1)
    equal(recv.recv_nowait(3), 3)
    assert recv.recv_nowait(None) is None
    equal(recv.recv_nowait(default="d"), "d")
    raises(ChannelEmptyError, recv.recv_nowait)
    send.send(1)
    equal(recv.recv_nowait(3), 1)


@row("PEP 554, SendChannel.send_nowait()")
def send_nowait():
    """It returns whether the object was sent, and never waits. The PEP would queue an object without a
    receiver; here only the capacity determines what is queued."""
    recv, send = create_channel()
    equal(send.send_nowait(1), False)
    raises(TimeoutError, recv.recv, timeout=0.01)
    recv, send = create_channel(1)
    equal((send.send_nowait(1), send.send_nowait(2), recv.recv()), (True, False, 1))


@row("PEP 554, SendChannel.send_nowait()")
def send_nowait_to_a_waiting_receiver():
    """An object is sent to a waiting receiver, without any capacity."""
    recv, send = create_channel()
    heard, ready = create_channel()
    kept = elsewhere("ready.send(None); got = r.recv()", r=recv, ready=ready)
    heard.recv()
    while not send.send_nowait(1):
        pass
    kept[1].join()
    kept[0].run("assert got == 1")


@row("PEP 554, RecvChannel.recv(): iteration")
def iteration():
    """Iterating receives until the channel is closed and empty."""
    recv, send = create_channel(3)
    for n in range(3):
        send.send(n)
    send.close()
    equal(list(recv), [0, 1, 2])
    equal(list(recv), [])


@row("PEP 554, SendChannel.send()")
def not_shareable():
    """An object that is not shareable is refused, and not sent. The PEP says ValueError;
    NotShareableError is a TypeError since PEP 734."""
    recv, send = create_channel(1)
    for obj in (object(), len, [object()], (1, {2: object()})):
        raises(interpreters.NotShareableError, send.send, obj)
        raises(interpreters.NotShareableError, send.send_nowait, obj)
    raises(ChannelEmptyError, recv.recv_nowait)


@row("PEP 554, is_shareable()")
def shareable():
    """None, bytes, str, int and both ends of channels are shareable, and functions are not."""
    for obj in (None, b"", "", 1, *create_channel()):
        assert interpreters.is_shareable(obj) is True, obj
    for obj in (object(), len, int, interpreters):
        assert interpreters.is_shareable(obj) is False, obj


@row("PEP 554, channels are shareable")
def ends_travel():
    """Ends can be sent through channels, alone and within other objects, and work at the receiver."""
    recv, send = create_channel(1)
    inner_recv, inner_send = create_channel(1)
    send.send(inner_send)
    arrived = recv.recv()
    assert arrived == inner_send and hash(arrived) == hash(inner_send)
    arrived.send("through")
    equal(inner_recv.recv(), "through")
    send.send({"ends": [inner_recv, inner_send]})
    equal(recv.recv()["ends"], [inner_recv, inner_send])


@row("PEP 554, SendChannel.send_buffer()")
def buffers():
    """The bytes of any buffer arrive as a memoryview. They are copied: memory is never shared here."""
    recv, send = create_channel(1)
    own = bytearray(b"abc")
    for buffer in (own, b"abc", memoryview(own)):
        send.send_buffer(buffer)
        got = recv.recv()
        assert type(got) is memoryview and got == b"abc", got
    send.send_buffer(own)
    own[0] = 0
    equal(bytes(recv.recv()), b"abc")


@row("PEP 554, SendChannel.send_buffer()")
def not_a_buffer():
    """An object that is not a buffer is a TypeError."""
    _, send = create_channel(1)
    for obj in ("abc", 1, None, [1]):
        raises(TypeError, send.send_buffer, obj)
        raises(TypeError, send.send_buffer_nowait, obj)


@row("PEP 554, SendChannel.send_buffer() and NotReceivedError")
def buffers_without_a_receiver():
    """It waits as send does, and send_buffer_nowait returns whether it was sent."""
    _recv, send = create_channel(1)
    equal(send.send_buffer_nowait(b"1"), True)
    equal(send.send_buffer_nowait(b"2"), False)
    raises(NotReceivedError, send.send_buffer, b"2", timeout=0.01)


@row("PEP 554, channels are many-to-many")
def many_to_many():
    """Each object is received by exactly one of many receivers, whichever interpreter sent it."""
    recv, send = create_channel()
    results, result = create_channel(None)
    takers = [
        elsewhere("for n in r: out.send(n)", r=recv, out=result) for _ in range(3)
    ]
    givers = [
        elsewhere(f"for n in range({k}0, {k}9): s.send(n)", s=send) for k in range(1, 4)
    ]
    for _, thread in givers:
        thread.join()
    send.close()
    for _, thread in takers:
        thread.join()
    del result
    expected = [n for k in range(1, 4) for n in range(k * 10, k * 10 + 9)]
    for made, _ in takers:
        made.close()
    equal(sorted(results), expected)


@row("PEP 554, a channel between threads of one interpreter")
def threads_of_one_interpreter():
    """A thread can send what its creator waits to receive, and vice versa, without any
    capacity."""
    recv, send = create_channel()
    thread = threading.Thread(target=send.send, args=(1,))
    thread.start()
    equal(recv.recv(), 1)
    thread.join()
    got = []
    thread = threading.Thread(target=lambda: got.append(recv.recv()))
    thread.start()
    send.send(2)
    thread.join()
    equal(got, [2])


@row("interpreters, nothing is lost by a timeout")
def timeouts_lose_nothing():
    """Receives that time out while objects are being sent neither lose nor duplicate any."""
    recv, send = create_channel()
    kept = elsewhere("for n in range(200): s.send(n)", s=send)
    got = []
    while len(got) < 200:
        try:
            got.append(recv.recv(timeout=1e-6))
        except TimeoutError:
            pass
    equal(got, list(range(200)))
    kept[1].join()


@row("PEP 554, Interpreter.run(channels) and concurrent.interpreters")
def both_modules():
    """Ends can be bound with prepare_main, and a queue can be sent through a channel."""
    recv, send = create_channel(1)
    made = ci.create()
    made.prepare_main(s=send)
    made.exec("from concurrent import interpreters as i; q = i.create_queue(); q.put(5); s.send(q)")
    queue = recv.recv()
    equal(queue.get(), 5)


if __name__ == "__main__":
    run()
