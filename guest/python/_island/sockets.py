"""`select` and `socket`, whose waits are waits of the interpreter.

While a call blocks, threads run, aliases are answered, and an interruption ends the wait.
"""

import errno
import os
import select
import selectors
import socket
import time

import _socket
from componentize_py_types import Err
from wit_world.imports import channels

from . import waits
from .errors import channel_error
from .readiness import Files

_IN, _OUT = select.POLLIN, select.POLLOUT


def wait(files, timeout=None):
    """Return the descriptors of `files` that are ready, with their events; none after `timeout` seconds."""
    ready = files.probe()
    if not ready and waits.deferred:
        waits.run_deferred()
        ready = files.probe()
    if ready or timeout == 0:
        return ready
    waits.polling += 1
    try:
        return waits.until(files, timeout)
    except Err as error:
        if type(error.value) is not channels.Error_Timeout:
            raise channel_error(error.value) from None
        return []
    finally:
        waits.polling -= 1


def once(files, timeout):
    """Wait for one event, within `timeout` seconds: in the background, or that some of `files` become ready.

    Returns those that are ready.
    """
    ready = files.probe()
    if ready or not files.masks:
        left = 0 if ready else timeout
        if left == 0 and not waits.background:
            return ready
        _step(left)
        return ready
    wait = waits.Wait(files)
    waits.under_way.append(wait)
    waits.polling += 1
    try:
        _step(timeout)
    finally:
        waits.polling -= 1
        waits.under_way.remove(wait)
        wait.choice.clear()
    return wait.outcome or []


def _step(timeout):
    try:
        waits.step(None if timeout is None else waits.nanoseconds(max(0, timeout)))
    except Err as error:
        if type(error.value) is not channels.Error_Timeout:
            raise channel_error(error.value) from None


class Poll:
    """The type of the objects that `select.poll()` returns."""

    def __init__(self):
        self.files = Files()

    def register(self, fd, eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /):
        """Register a descriptor, or replace the events of a registered one."""
        self.files.set(_number(fd), eventmask)

    def modify(self, fd, eventmask, /):
        """Replace the events of a registered descriptor."""
        fd = _number(fd)
        if fd not in self.files.masks:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.files.set(fd, eventmask)

    def unregister(self, fd, /):
        """Remove a registered descriptor.  Raises KeyError if it is not registered."""
        self.files.drop(_number(fd))

    def poll(self, timeout=None, /):
        """Return the registered descriptors that are ready, with their events, within `timeout` milliseconds."""
        if timeout is not None and not isinstance(timeout, (int, float)):
            raise TypeError("timeout must be a real number or None")
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        return wait(self.files, seconds)


def _number(fd):
    return fd if type(fd) is int else selectors._fileobj_to_fd(fd)


def poll():
    """Return an object that waits for several descriptors."""
    return Poll()


def select_(rlist, wlist, xlist, timeout=None, /):
    """Wait until one of the files in the lists is ready, or `timeout` seconds have passed."""
    if timeout is not None and timeout < 0:
        raise ValueError("timeout must be non-negative")
    readers = [(file, _number(file)) for file in rlist]
    writers = [(file, _number(file)) for file in wlist]
    masks = {_number(file): 0 for file in xlist}
    for files, mask in (readers, _IN), (writers, _OUT):
        for _, fd in files:
            masks[fd] = masks.get(fd, 0) | mask
    ready = dict(wait(Files(masks), timeout))
    if any(events & select.POLLNVAL for events in ready.values()):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return (
        [file for file, fd in readers if ready.get(fd, 0) & ~_OUT],
        [file for file, fd in writers if ready.get(fd, 0) & ~_IN],
        [],
    )


select_.__name__ = select_.__qualname__ = "select"


def retry(sock, timeout, mask, method, *args):
    """Call a socket method in non-blocking mode, and wait for the socket in between."""
    if timeout == 0:
        return _call(method, sock, *args)
    usual = sock.gettimeout()
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        _set_timeout(sock, 0)
        try:
            return _call(method, sock, *args)
        except BlockingIOError:
            pass
        finally:
            _set_timeout(sock, usual)
        _await(sock, mask, deadline)


def _await(sock, mask, deadline):
    left = None if deadline is None else max(0, deadline - time.monotonic())
    if not wait(Files({sock.fileno(): mask}), left):
        raise TimeoutError("timed out")


def _call(method, sock, *args):
    """Call a socket method, and convert its errors.

    A WASI stream gives no reason for a failure, which libc reports as EIO.
    """
    try:
        return method(sock, *args)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
    raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


_set_timeout = _socket.socket.settimeout
# The methods that wait for nothing, for `retry`.
RECEIVE, SEND = _socket.socket.recv, _socket.socket.send


def _replacement(name, mask):
    original = getattr(_socket.socket, name)

    def method(self, *args):
        return retry(self, self.gettimeout(), mask, original, *args)

    return _rename(method, name)


def _rename(method, name):
    original = getattr(_socket.socket, name)
    method.__name__ = name
    method.__qualname__ = f"socket.{name}"
    method.__doc__ = original.__doc__
    return method


def _recv_into(self, buffer, nbytes=0, flags=0):
    return retry(self, self.gettimeout(), _IN, _socket.socket.recv_into, buffer, nbytes, flags)


def _sendall(self, data, flags=0, /):
    timeout = left = self.gettimeout()
    end = None if not timeout else time.monotonic() + timeout
    view = memoryview(data).cast("B")
    sent, send = 0, _socket.socket.send
    while sent < len(view):
        if end is not None and (left := end - time.monotonic()) <= 0:
            raise TimeoutError("timed out")
        sent += retry(self, left, _OUT, send, view[sent:], flags)


def _connect(self, address, /):
    timeout = self.gettimeout()
    if timeout == 0:
        return _socket.socket.connect(self, address)
    _set_timeout(self, 0)
    try:
        return _socket.socket.connect(self, address)
    except BlockingIOError as error:
        if error.errno != errno.EINPROGRESS:
            raise
    finally:
        _set_timeout(self, timeout)
    _await(self, _OUT, None if timeout is None else time.monotonic() + timeout)
    number = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


def _recvfrom(self, bufsize, flags=0, /):
    # All sockets are connected; libc does not report the peer's address again.
    return self.recv(bufsize, flags), None


def _recvfrom_into(self, buffer, nbytes=0, flags=0):
    return self.recv_into(buffer, nbytes, flags), None


def _getpeername(self, /):
    try:
        return _socket.socket.getpeername(self)
    except ConnectionResetError:
        # libc uses this number if WASI reports an invalid state.
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN)) from None


def _getsockopt(self, level, optname, buflen=0, /):
    found = _socket.socket.getsockopt(self, level, optname, buflen)
    # libc reports the size of the option, even if that is larger than the buffer.
    return found[:buflen] if buflen else found


def _connect_ex(self, address, /):
    try:
        self.connect(address)
    except TimeoutError as error:
        return error.errno or errno.EWOULDBLOCK
    except OSError as error:
        if error.errno is None:
            raise
        return error.errno
    return 0


def install():
    """Install these functions in `select`, `selectors` and `socket`."""
    select.poll, select.select = poll, select_
    selectors.PollSelector._selector_cls = Poll
    selectors.SelectSelector._select = staticmethod(select_)
    own = socket.socket
    own.recv, own.send = _replacement("recv", _IN), _replacement("send", _OUT)
    for name, method in (
        ("recv_into", _recv_into),
        ("recvfrom", _recvfrom),
        ("recvfrom_into", _recvfrom_into),
        ("sendall", _sendall),
        ("connect", _connect),
        ("connect_ex", _connect_ex),
        ("getpeername", _getpeername),
        ("getsockopt", _getsockopt),
    ):
        setattr(own, name, _rename(method, name))
