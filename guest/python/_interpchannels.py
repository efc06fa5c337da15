"""CPython's private module of channels, for islands.

Each channel is an unbounded channel of the host.  An interpreter with a ChannelID of it holds both ends.  Interpreters
of one domain can open a channel by its number.  A blocking send attaches an end of a second channel to the object, and
waits for the receiver's acknowledgement on that.
"""

from collections import namedtuple
from weakref import WeakValueDictionary

from _island import codec, pickles, private, waits
from _island.errors import channel_error, forget
from _island.private import REPLACE, UNBOUND
from componentize_py_types import Err
from wit_world.imports import channels as host
from wit_world.imports import interpreters


class ChannelError(RuntimeError):
    pass


class ChannelNotFoundError(ChannelError):
    pass


class ChannelClosedError(ChannelError):
    pass


class ChannelEmptyError(ChannelError):
    pass


class ChannelNotEmptyError(ChannelError):
    pass


class _Channel:
    """This interpreter's state of a channel."""

    __slots__ = ("sender", "receiver", "unbound", "released", "__weakref__")

    def __init__(self):
        self.sender = self.receiver = None
        self.unbound = REPLACE
        # The sides that this interpreter released.
        self.released = set()


# number -> channel, while a ChannelID or `_by_number` refers to it.
_known = WeakValueDictionary()

# The channels that this interpreter opened by number.  It keeps them until they are closed, which it checks whenever
# there are `_most_by_number` of them.
_by_number = {}
_FEW = 64
_most_by_number = _FEW


class ChannelID:
    """A channel ID identifies a channel and may be used as an int.

    The channel exists while any interpreter has a ChannelID of it or has opened it by number.
    """

    __slots__ = ("_number", "_end", "_channel")

    def __new__(cls, id, *, send=None, recv=None, force=False, _resolve=False):
        number = _number(id)
        if send is None and recv is None:
            end = "both"
        elif send is False and recv is False:
            raise ValueError("'send' and 'recv' cannot both be False")
        elif send and recv:
            end = "both"
        elif send or recv is False:
            end = "send"
        else:
            end = "recv"
        self = object.__new__(cls)
        self._channel = _find(number)
        if self._channel is None and not force:
            raise _not_found(number)
        self._number = number
        self._end = end
        return self

    def __reduce__(self):
        return _rebuild, (self._number, self._end)

    def __int__(self):
        return self._number

    __index__ = __int__

    def __hash__(self):
        return hash(self._number)

    def __eq__(self, other):
        if isinstance(other, ChannelID):
            return self._number == other._number and self._end == other._end
        if isinstance(other, (int, float)):
            return self._number == other
        return NotImplemented

    def __str__(self):
        return str(self._number)

    def __repr__(self):
        end = "" if self._end == "both" else f", {self._end}=True"
        return f"{type(self).__name__}({self._number}{end})"

    @property
    def end(self):
        return self._end

    @property
    def send(self):
        return _rebuild(self._number, "send")

    @property
    def recv(self):
        return _rebuild(self._number, "recv")


def _rebuild(number, end):
    return ChannelID(number, send=end != "recv", recv=end != "send", force=True)


codec.as_pickles.add(ChannelID)


ChannelInfo = namedtuple(
    "ChannelInfo",
    "open closing closed count num_interp_send num_interp_send_released num_interp_recv "
    "num_interp_recv_released num_interp_both num_interp_both_recv_released "
    "num_interp_both_send_released num_interp_both_released send_associated send_released "
    "recv_associated recv_released",
)
ChannelInfo.__doc__ = "A named tuple of a channel's state."


def _number(id):
    if isinstance(id, ChannelID):
        return id._number
    return private.number(id, "channel")


def _not_found(number):
    return ChannelNotFoundError(f"channel {number} not found")


def _closed(number):
    return ChannelClosedError(f"channel {number} is closed")


def _find(number):
    """Return this interpreter's state of the channel, or None if the channel does not exist."""
    channel = _known.get(number)
    if channel is None:
        channel = _Channel()
        try:
            channel.sender = host.open_sender(number)
            channel.receiver = host.open_receiver(number)
        except Err as error:
            forget(error)
            return None
        _known[number] = channel
    return channel


def _state(number):
    """Return this interpreter's state of the channel, which must exist."""
    channel = _known.get(number)
    if channel is None:
        channel = _find(number)
        if channel is None:
            raise _not_found(number)
        _keep(number, channel)
    return channel


def _keep(number, channel):
    global _most_by_number
    _by_number[number] = channel
    if len(_by_number) >= _most_by_number:
        for other, state in list(_by_number.items()):
            if state.receiver.info().closed:
                del _by_number[other]
        _most_by_number = max(_FEW, 2 * len(_by_number))


def _forget(number):
    """Forget a channel that was destroyed."""
    _known.pop(number, None)
    _by_number.pop(number, None)


def _info(number, channel):
    """Return the host's information; raises ChannelClosedError for a channel that cannot be used."""
    info = channel.receiver.info()
    if info.closed and not info.length and not info.waiting:
        raise _closed(number)
    if info.used and not info.senders and not info.receivers:
        # All users have released it or no longer exist.
        channel.receiver.destroy()
        raise _closed(number)
    return info


def create(unboundop=-1, fallback=-1):
    """Create a new cross-interpreter channel and return a unique generated ID."""
    if unboundop < 0:
        unboundop = REPLACE
    elif unboundop not in UNBOUND:
        raise ValueError(f"unsupported unboundop {unboundop}")
    channel = _Channel()
    try:
        channel.sender, channel.receiver = host.create(
            host.Capacity_Unbounded(), UNBOUND[unboundop]
        )
    except Err as error:
        raise channel_error(error.value) from None
    channel.unbound = unboundop
    number = channel.receiver.id()
    _known[number] = channel
    return ChannelID(number, force=True)


def destroy(cid):
    """Close and finalize the channel.  Afterward attempts to use the channel will behave as though
    it never existed."""
    number = _number(cid)
    _state(number).receiver.destroy()
    _forget(number)


def list_all():
    """Return the list of all IDs for active channels."""
    found = []
    for number, channel in list(_known.items()):
        try:
            _info(number, channel)
        except ChannelClosedError:
            continue
        found.append((_rebuild(number, "both"), channel.unbound, 0))
    return found


def list_interpreters(cid, *, send):
    """Return the list of all interpreter IDs associated with an end of the channel."""
    number = _number(cid)
    channel = _state(number)
    info = _info(number, channel)
    if send and info.closed:
        raise _closed(number)
    return info.senders if send else info.receivers


def send(cid, obj, unboundop=-1, *, blocking=True, timeout=None):
    """Add the object's data to the channel's queue."""
    number = _number(cid)
    _send(number, lambda: _message(obj), unboundop, blocking, timeout)


def send_buffer(cid, obj, unboundop=-1, *, blocking=True, timeout=None):
    """Add the object's buffer to the channel's queue."""
    number = _number(cid)
    view = memoryview(obj)
    _send(number, lambda: codec.buffer(view), unboundop, blocking, timeout)


def _message(obj):
    try:
        return codec.encode_exactly(obj)
    except codec.NotShareableError:
        return pickles.encode(obj)


def _send(number, make, unboundop, blocking, timeout):
    if timeout is not None:
        if not blocking:
            raise ValueError("timeout is not supported with blocking=False")
        waits.nanoseconds(timeout)
    unbound = None if unboundop < 0 else UNBOUND[unboundop]
    channel = _state(number)
    if "send" in channel.released:
        raise _closed(number)
    if _info(number, channel).closed:
        raise _closed(number)
    body, exact, attachments = make()
    told = None
    if blocking:
        tell, told = _acknowledgement()
        ends = [] if attachments is None else list(attachments.ends)
        form = host.Form.PLAIN if attachments is None else attachments.form
        if form is host.Form.BUFFER:
            body, exact, attachments = _message(memoryview(body))
            ends, form = [], attachments.form
        # The last end is the one for the acknowledgement.
        ends.append(host.EndRef_Sender(tell))
        attachments = codec.refs(form, ends)
    try:
        waits.send_message(channel.sender, (body, exact, attachments), 0, unbound)
    except Err as error:
        raise _error(number, error.value) from None
    if told is None:
        return
    # Only the receiver holds the other end from now on.
    del tell, attachments, ends
    try:
        waits.receive(told, timeout)
    except Err as error:
        if type(error.value) is not host.Error_Timeout:
            raise _error(number, error.value) from None
        try:
            # A receiver that takes the object after this sees that it was withdrawn.
            told.close()
        except Err as error:
            forget(error)
            # The object was received at the last moment.
            return
        raise TimeoutError("timed out") from None


def _acknowledgement():
    try:
        return host.create(host.Capacity_Bounded(1), host.Unbound.KEEP)
    except Err as error:
        raise channel_error(error.value) from None


_NO_DEFAULT = object()


def recv(cid, default=_NO_DEFAULT):
    """Return a new object from the data at the front of the channel's queue."""
    number = _number(cid)
    channel = _state(number)
    if "recv" in channel.released:
        raise _closed(number)
    _info(number, channel)
    looked = False
    while True:
        try:
            body, attachments = channel.receiver.receive(0)
        except Err as error:
            if type(error.value) is not host.Error_Timeout:
                raise _error(number, error.value) from None
            if not looked and (waits.deferred or waits.background) and waits.look(id(channel)):
                looked = True
                continue
            if default is not _NO_DEFAULT:
                return default, None
            raise ChannelEmptyError(f"channel {number} is empty") from None
        if _is_withdrawn(attachments):
            continue
        obj = codec.decode((body, attachments))
        if type(obj) is codec.Lost:
            return None, obj.op
        return obj, None


def _is_withdrawn(attachments):
    """Return whether the sender has given up; if not, acknowledge the object."""
    if attachments is None or not attachments.ends or type(attachments.ends[-1]) is not host.End_Sender:
        return False
    try:
        waits.send(attachments.ends[-1].value, None, 0)
    except Err as error:
        forget(error)
        return True
    return False


def close(cid, *, send=False, recv=False, force=False):
    """Close the channel for all interpreters."""
    number = _number(cid)
    channel = _state(number)
    info = _info(number, channel)
    if info.closed and not force:
        raise _closed(number) if send and not recv else ChannelNotEmptyError(
            f"channel {number} may not be closed if not empty (try force=True)"
        )
    if force or not info.length:
        channel.receiver.destroy()
    elif send and not recv:
        channel.sender.close()
    else:
        raise ChannelNotEmptyError(
            f"channel {number} may not be closed if not empty (try force=True)"
        )


def release(cid, *, send=False, recv=False, force=True):
    """Close the channel for the current interpreter."""
    number = _number(cid)
    channel = _state(number)
    _info(number, channel)
    if not send and not recv:
        send = recv = True
    if send:
        channel.released.add("send")
        channel.sender.release()
    if recv:
        channel.released.add("recv")
        channel.receiver.release()
    info = channel.receiver.info()
    if not info.senders and not info.receivers:
        channel.receiver.destroy()


def get_count(cid):
    """Return the number of items in the channel."""
    number = _number(cid)
    channel = _state(number)
    if waits.deferred or waits.background:
        waits.look(id(channel))
    return _info(number, channel).length


def get_info(cid):
    """Return details about the channel."""
    number = _number(cid)
    channel = _state(number)
    info = channel.receiver.info()
    gone = info.used and not info.senders and not info.receivers
    closed = gone or (info.closed and not info.length)
    me = interpreters.current()
    both = len(set(info.senders) & set(info.receivers))
    return ChannelInfo(
        open=not info.closed and not closed,
        closing=info.closed and not closed,
        closed=closed,
        count=0 if closed else info.length,
        num_interp_send=len(info.senders),
        num_interp_send_released=int("send" in channel.released),
        num_interp_recv=len(info.receivers),
        num_interp_recv_released=int("recv" in channel.released),
        num_interp_both=both,
        num_interp_both_recv_released=0,
        num_interp_both_send_released=0,
        num_interp_both_released=0,
        send_associated=me in info.senders,
        send_released="send" in channel.released,
        recv_associated=me in info.receivers,
        recv_released="recv" in channel.released,
    )


def get_channel_defaults(cid):
    """Return the channel's default values, set when it was created."""
    return _state(_number(cid)).unbound, 0


def _channel_id(*args, **kwargs):
    """Return the ChannelID for an int."""
    return ChannelID(*args, **kwargs)


def _register_end_types(send, recv):
    if not isinstance(send, type) or not isinstance(recv, type):
        raise TypeError("expected two types")
    codec.as_pickles.update((send, recv))


def _error(number, error):
    match error:
        case host.Error_Closed() | host.Error_Poisoned():
            return _closed(number)
        case host.Error_Timeout():
            return ChannelError(f"channel {number} is full")
    return channel_error(error)
