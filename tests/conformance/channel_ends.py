"""The ends of PEP 554's channels: their holders, and closing."""

import gc

import interpreters
from interpreters import (
    ChannelClosedError,
    ChannelEmptyError,
    ChannelNotEmptyError,
    ChannelReleasedError,
    NotReceivedError,
    create_channel,
)
from runner import equal, raises, row, run


def elsewhere(source, **channels):
    """Run source in a new interpreter, in parallel with this one; return both, so that they are kept."""
    made = interpreters.create()
    return made, made.run_in_thread(source, channels=channels)


@row("PEP 554, release()")
def released():
    """A released end cannot be used; releasing it again has no effect."""
    recv, send = create_channel(1)
    recv.release()
    recv.release()
    for use in (recv.recv, recv.recv_nowait, recv.close):
        raises(ChannelReleasedError, use)
    send.release()
    raises(ChannelReleasedError, send.send, 1)
    raises(ChannelReleasedError, send.send_nowait, 1)
    raises(ChannelReleasedError, send.send_buffer, b"")
    equal(repr(send), f"SendChannel(id={send.id})")


@row("interpreters, dropping the last sender")
def last_sender():
    """After the last sender is released, queued objects are received, and then the channel is closed."""
    recv, send = create_channel(2)
    send.send(1)
    send.release()
    equal(recv.recv(), 1)
    raises(ChannelClosedError, recv.recv)
    raises(ChannelClosedError, recv.recv_nowait, None)


@row("interpreters, dropping the last receiver")
def last_receiver():
    """After the last receiver is released, sends find the channel closed."""
    recv, send = create_channel(1)
    recv.release()
    raises(ChannelClosedError, send.send, 1)
    raises(ChannelClosedError, send.send_nowait, 1)


@row("PEP 554, channel lifespan")
def dropped():
    """An end without references is released, without a garbage collection."""
    recv, send = create_channel(1)
    del send
    raises(ChannelClosedError, recv.recv)


@row("PEP 554, channel lifespan")
def dropped_after_errors():
    """That also holds for an end that was used in a failed operation."""
    gc.disable()
    try:
        recv, send = create_channel()
        raises(ChannelEmptyError, recv.recv_nowait)
        raises(TimeoutError, recv.recv, timeout=0.001)
        recv.release()
        raises(ChannelClosedError, send.send, 1, timeout=0.01)
        recv, send = create_channel()
        raises(NotReceivedError, send.send, 1, timeout=0.001)
        del send
        raises(ChannelClosedError, recv.recv, timeout=0.01)
    finally:
        gc.enable()


@row("PEP 554, RecvChannel.close()")
def closed_by_the_receiver():
    """An empty channel is closed for all holders."""
    recv, send = create_channel(1)
    equal(recv.close(), None)
    raises(ChannelClosedError, recv.recv)
    raises(ChannelClosedError, send.send, 1)
    assert recv.is_closed and send.is_closed


@row("PEP 554, RecvChannel.close(force)")
def closed_with_something_in_it():
    """A channel that is not empty is only closed by force, and its objects are lost."""
    recv, send = create_channel(2)
    send.send(1)
    raises(ChannelNotEmptyError, recv.close)
    equal(recv.recv(), 1)
    send.send(2)
    recv.close(force=True)
    raises(ChannelClosedError, recv.recv)


@row("PEP 554, SendChannel.close()")
def closed_by_the_sender():
    """Queued objects can be received after the sender closes the channel; with force they are lost."""
    recv, send = create_channel(2)
    send.send(1)
    send.close()
    raises(ChannelClosedError, send.send, 2)
    equal(recv.recv(), 1)
    raises(ChannelClosedError, recv.recv)
    recv, send = create_channel(2)
    send.send(1)
    send.close(force=True)
    raises(ChannelClosedError, recv.recv)


@row("PEP 554, close() is for all interpreters")
def closed_elsewhere():
    """A receiver that waits in another interpreter gets the error when the channel is closed."""
    recv, send = create_channel()
    heard, ready = create_channel()
    source = """
import interpreters
ready.send(None)
try:
    r.recv()
except interpreters.ChannelClosedError:
    ready.send("told")
"""
    kept = elsewhere(source, r=recv, ready=ready)
    heard.recv()
    send.close()
    equal(heard.recv(), "told")
    kept[1].join()


@row("PEP 554, deferred: poisoning channels")
def poison():
    """Receivers get the queued objects, and from then on the exception; nothing can be sent."""
    recv, send = create_channel(2)
    send.send(1)
    equal(send.poison(ValueError("bad", 3)), None)
    equal(recv.recv(), 1)
    for _ in range(2):
        equal(raises(ValueError, recv.recv).args, ("bad", 3))
    raises(ValueError, list, recv)
    raises(ChannelClosedError, send.send, 2)


@row("PEP 554, deferred: poisoning channels")
def poison_of_other_kinds():
    """It accepts a class; without an argument it is close(); anything else is a TypeError."""
    recv, send = create_channel()
    raises(TypeError, send.poison, 3)
    raises(TypeError, send.poison, "text")
    send.poison(KeyError)
    raises(KeyError, recv.recv)
    recv, send = create_channel()
    send.poison()
    raises(ChannelClosedError, recv.recv)


@row("PEP 554, deferred: poisoning channels")
def poison_of_a_local_class():
    """An exception of a class that only the sender has becomes a ChannelClosedError."""

    class Own(Exception):
        pass

    recv, send = create_channel()
    send.poison(Own("reason"))
    error = raises(ChannelClosedError, recv.recv)
    assert "Own" in str(error) and "reason" in str(error), error


@row("PEP 554, deferred: channel context managers")
def context_managers():
    """`with` returns the end, and releases it."""
    recv, send = create_channel(1)
    with send as entered:
        assert entered is send
        send.send(1)
    raises(ChannelReleasedError, send.send, 2)
    with recv:
        equal(list(recv), [1])
    raises(ChannelReleasedError, recv.recv)


@row("PEP 554, list_all_channels()")
def listed():
    """Open channels are listed as pairs of their ends."""
    equal(interpreters.list_all_channels(), [])
    one, two = create_channel(), create_channel()
    equal(interpreters.list_all_channels(), [one, two])
    one[1].close()
    equal(interpreters.list_all_channels(), [two])


@row("PEP 554, RecvChannel.interpreters and SendChannel.interpreters")
def users():
    """They list the interpreters that have used each end and still hold it."""
    recv, send = create_channel(2)
    equal((recv.interpreters, send.interpreters), ([], []))
    made = interpreters.create()
    made.run("s.send(1)", channels={"s": send})
    equal(send.interpreters, [made])
    send.send(2)
    recv.recv()
    equal(sorted(one.id for one in send.interpreters), [0, made.id])
    equal(recv.interpreters, [interpreters.get_current()])
    made.run("s.release(); del s")
    equal(send.interpreters, [interpreters.get_current()])


if __name__ == "__main__":
    run()
