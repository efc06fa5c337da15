"""TLS sessions: the objects beneath `ssl.SSLSocket` and `ssl.SSLObject`.

The host encrypts and decrypts.  The records go through the interpreter's own socket, or through memory.
"""

import select
import time
import weakref

from componentize_py_types import Err
from wit_world.imports import tls

from . import certificates, sockets
from .tls_errors import (
    SSLError,
    end_of_file,
    error,
    failure_error,
    refusal_error,
    want_read,
    want_write,
)

# The number of bytes that are asked of a socket, and that are encrypted, at a time.
_PIECE = 256 << 10

_IGNORE_UNEXPECTED_EOF = 0x80


class MemoryBIO:
    """A buffer between a session and the program that carries its records."""

    def __init__(self):
        self._pieces = bytearray()
        self._ended = False

    def read(self, size=-1, /):
        """Return up to `size` bytes, or all."""
        if size is None or size < 0 or size >= len(self._pieces):
            taken = bytes(self._pieces)
            self._pieces.clear()
            return taken
        taken = bytes(self._pieces[:size])
        del self._pieces[:size]
        return taken

    def write(self, b, /):
        """Add bytes, and return their number."""
        if self._ended:
            raise SSLError("cannot write() after write_eof()")
        with memoryview(b) as view:
            if not view.c_contiguous:
                raise BufferError("memoryview: underlying buffer is not C-contiguous")
            self._pieces += view
            return view.nbytes

    def write_eof(self):
        """Add the end of the data."""
        self._ended = True

    @property
    def pending(self):
        """The number of bytes that can be read."""
        return len(self._pieces)

    @property
    def eof(self):
        """True if the end of the data is reached."""
        return self._ended and not self._pieces


MemoryBIO.__module__ = "_ssl"


class _OnSocket:
    """The records' way through a socket."""

    def __init__(self, sock):
        self._socket = weakref.ref(sock)
        self._unsent = b""
        self._deadline = None

    def begin(self):
        """Start an operation, which the socket's timeout is for."""
        timeout = self.socket().gettimeout()
        self._deadline = time.monotonic() + timeout if timeout else timeout

    def socket(self):
        sock = self._socket()
        if sock is None:
            raise error(SSLError, 1, "Underlying socket connection gone")
        return sock

    def _left(self):
        if not self._deadline:
            return self._deadline
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The operation timed out")
        return left

    def receive(self):
        """Return records, or nothing at the end of the connection."""
        try:
            return sockets.retry(self.socket(), self._left(), select.POLLIN, _receive, _PIECE)
        except BlockingIOError:
            raise want_read() from None

    def send(self, records):
        """Send records after those that were not sent yet."""
        view = memoryview(self._unsent + records if self._unsent else records)
        try:
            while view:
                sent = sockets.retry(self.socket(), self._left(), select.POLLOUT, _send, view)
                view = view[sent:]
        except BlockingIOError:
            raise want_write() from None
        finally:
            self._unsent = bytes(view)


# The methods without waits, which `sockets.retry` adds.
_receive, _send = sockets.RECEIVE, sockets.SEND


class _InMemory:
    """The records' way through two buffers."""

    def __init__(self, incoming, outgoing):
        self._incoming, self._outgoing = incoming, outgoing

    def begin(self):
        """Start an operation."""

    def socket(self):
        return None

    def receive(self):
        """Return records, or nothing at the end of the connection."""
        records = self._incoming.read(_PIECE)
        if not records and not self._incoming.eof:
            raise want_read()
        return records

    def send(self, records):
        """Add records for the other side."""
        if records:
            self._outgoing.write(records)


class _SSLSocket:
    """A client's session."""

    server_side = False
    session = None

    def __init__(self, context, way, server_hostname, owner):
        self.context, self.server_hostname = context, server_hostname
        self._owner = None if owner is None else weakref.ref(owner)
        self._way = way
        self._number = context._connect(server_hostname)
        self._description = None
        # Data that was decrypted and not read, and the part of it that was read.
        self._data, self._read = b"", 0
        # The number of bytes whose records wait to be sent, for a call of `write` that will be repeated.
        self._written = None
        self._is_over = self._is_finished = False
        self._failure = None

    def __del__(self):
        number = getattr(self, "_number", None)
        if number is not None:
            tls.forget(number)

    @property
    def owner(self):
        """The object of `ssl` that this one is for."""
        return None if self._owner is None else self._owner()

    def _advance(self, records, data=b""):
        """Process records from the server, and encrypt data for it."""
        try:
            progress = tls.advance(self._number, records, data)
        except Err as refused:
            raise refusal_error(refused.value) from None
        if progress.data:
            self._data, self._read = self._data[self._read :] + progress.data, 0
        match progress.state:
            case tls.State_Open():
                self._is_open = True
            case tls.State_Ended():
                self._is_open = self._is_over = True
            case tls.State_Failed(value=failure):
                self._failure = failure_error(failure)
        try:
            self._way.send(progress.records)
        except OSError:
            # The server may be gone already; what it said is more useful.
            if self._failure is None:
                raise
        if self._failure is not None:
            raise self._failure

    _is_open = False

    def _await(self):
        """Process the next records of the server; return False at the end of the connection."""
        records = self._way.receive()
        if records:
            self._advance(records)
        return bool(records)

    def do_handshake(self):
        """Do the handshake."""
        self._begin()
        if not self._is_open:
            self._advance(b"")
        while not self._is_open:
            if not self._await():
                raise end_of_file()

    def _begin(self):
        if self._failure is not None:
            raise self._failure
        self._way.begin()

    def read(self, size, buffer=None, /):
        """Return up to `size` bytes; with a buffer, write them into it and return their number."""
        if buffer is not None:
            view = memoryview(buffer).cast("B")
            size = min(size, len(view)) if size > 0 else len(view)
        elif size < 0:
            raise ValueError("size should not be negative")
        data = self._take(size)
        if buffer is None:
            return data
        view[: len(data)] = data
        return len(data)

    def _take(self, size):
        if size == 0:
            return b""
        if self._read == len(self._data) and not self._fill():
            return b""
        start, self._read = self._read, min(self._read + size, len(self._data))
        if start == 0 and self._read == len(self._data):
            data, self._data, self._read = self._data, b"", 0
            return data
        return self._data[start : self._read]

    def _fill(self):
        """Wait for data; return False at the end of the session."""
        if not self._is_open:
            self.do_handshake()
        self._begin()
        while self._read == len(self._data):
            if self._is_over:
                return False
            if not self._await():
                self._is_over = True
                if self.context.options & _IGNORE_UNEXPECTED_EOF:
                    return False
                raise end_of_file()
        return True

    def write(self, data, /):
        """Send bytes, and return their number."""
        if not self._is_open:
            self.do_handshake()
        self._begin()
        if self._written is not None:
            self._way.send(b"")
            written, self._written = self._written, None
            return written
        if self._is_finished:
            raise error(SSLError, 1, "protocol is shutdown", "PROTOCOL_IS_SHUTDOWN", "SSL")
        with memoryview(data) as view:
            piece = bytes(view.cast("B")[:_PIECE])
        if piece:
            try:
                self._advance(b"", piece)
            except OSError as refused:
                if refused.args[:1] == (3,):
                    self._written = len(piece)
                raise
        return len(piece)

    def pending(self):
        """Return the number of bytes that can be read without waiting."""
        return len(self._data) - self._read

    def shutdown(self):
        """End the session on both sides, and return the socket."""
        self._begin()
        if not self._is_finished:
            self._is_finished = True
            try:
                records = tls.finish(self._number)
            except Err as refused:
                raise refusal_error(refused.value) from None
            self._way.send(records)
        while not self._is_over:
            if not self._await():
                raise end_of_file()
            if self.pending():
                text = "application data after close notify"
                raise error(SSLError, 1, text, "APPLICATION_DATA_AFTER_CLOSE_NOTIFY", "SSL")
        return self._way.socket()

    def _describe(self):
        if self._description is None and self._is_open:
            try:
                self._description = tls.describe(self._number)
            except Err as refused:
                raise refusal_error(refused.value) from None
        return self._description

    def getpeercert(self, binary_mode=False, /):
        """Return the server's certificate: in DER, or as a dict, which is empty if it was not verified."""
        description = self._describe()
        if description is None:
            raise ValueError("handshake not done yet")
        if not description.certificates:
            return None
        if binary_mode:
            return description.certificates[0]
        return certificates.as_dict(description.certificates[0]) if self.context.verify_mode else {}

    def get_unverified_chain(self):
        """Return the certificates that the server sent."""
        description = self._describe()
        if description is None or not description.certificates:
            return None
        return [certificates.Certificate(der) for der in description.certificates]

    get_verified_chain = get_unverified_chain

    def version(self):
        """Return the version of the protocol, or None before the handshake."""
        description = self._describe()
        return description and ("TLSv1.2" if description.version == tls.Version.TLS12 else "TLSv1.3")

    def cipher(self):
        """Return the name of the cipher, the version of the protocol, and the bits of the key."""
        description = self._describe()
        return description and (description.cipher, self.version(), description.bits)

    def shared_ciphers(self):
        """Return None: this is for servers."""

    def compression(self):
        """Return None: nothing is compressed."""

    def selected_alpn_protocol(self):
        """Return the application protocol that both sides chose, if any."""
        description = self._describe()
        protocol = description and description.protocol
        return protocol.decode("ascii", "replace") if protocol else None

    @property
    def session_reused(self):
        """True if the session continues an earlier one."""
        description = self._describe()
        return bool(description and description.resumed)

    def get_channel_binding(self, cb_type="tls-unique", /):
        """Return None: the host does not tell it."""
        if cb_type != "tls-unique":
            raise ValueError(f"{cb_type!r} channel binding type not implemented")

    def verify_client_post_handshake(self):
        """Raise NotImplementedError: this is for servers."""
        raise NotImplementedError("Post-handshake auth is not supported: an interpreter cannot be a server")


_SSLSocket.__module__ = "_ssl"
