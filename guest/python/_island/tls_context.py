"""The settings of TLS sessions: the base of `ssl.SSLContext`."""

import os
import re

from componentize_py_types import Err
from wit_world.imports import tls

from . import certificates
from .tls import _InMemory, _OnSocket, _SSLSocket
from .tls_errors import SSLError, error, refusal_error

_CLIENT, _SERVER = 16, 17
_PROTOCOLS = frozenset((2, 3, 4, 5, _CLIENT, _SERVER))
_NONE, _REQUIRED = 0, 2
_NO_TLS_1_2, _NO_TLS_1_3 = 0x8000000, 0x20000000
_TLS_1_2, _TLS_1_3 = 771, 772
_OLDEST, _NEWEST = -2, -1
_VERSIONS = frozenset((_OLDEST, _NEWEST, 768, 769, 770, _TLS_1_2, _TLS_1_3))

# What OpenSSL has by default.
DEFAULT_OPTIONS = 0x82520050
_TRUSTED_FIRST = 0x8000
_NO_PARTIAL_WILDCARDS = 4

_NOT_A_SERVER = "an interpreter cannot be a TLS server, because it cannot listen for connections"

# Names that occur in lists of ciphers for OpenSSL, which select what this implementation has.
_CIPHER_NAMES = re.compile(
    r"ALL|DEFAULT|HIGH|SECURE|COMPLEMENTOFDEFAULT|k?EECDH|k?ECDHE|ECDH|AES(128|256)?(GCM)?|CHACHA20(-POLY1305)?|AESGCM|"
    r"TLSv1\.[23]|aRSA|aECDSA|(TLS_|ECDHE-)[A-Z0-9_-]+|@SECLEVEL=[0-3]|PROFILE=SYSTEM"
)
_CIPHERS = (
    (0x03001302, "TLS_AES_256_GCM_SHA384", "TLSv1.3", 256),
    (0x03001301, "TLS_AES_128_GCM_SHA256", "TLSv1.3", 128),
    (0x03001303, "TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3", 256),
    (0x0300C02C, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", 256),
    (0x0300C02B, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128),
    (0x0300CCA9, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", 256),
    (0x0300C030, "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", 256),
    (0x0300C02F, "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", 128),
    (0x0300CCA8, "ECDHE-RSA-CHACHA20-POLY1305", "TLSv1.2", 256),
)


class SSLSession:
    """A session that could be continued.  The host does that by itself."""


SSLSession.__module__ = "_ssl"


def _setting(name, doc):
    """Return a property that is kept in `_values` and given to the host with the next session."""

    def get(self):
        return self._values[name]

    def set(self, value):
        self._change(name, value)

    return property(get, set, doc=doc)


class _SSLContext:
    """The settings of sessions."""

    def __new__(cls, protocol, /):
        if protocol not in _PROTOCOLS:
            raise ValueError(f"invalid or unsupported protocol version {protocol}")
        self = super().__new__(cls)
        is_client = protocol == _CLIENT
        self._values = {
            "protocol": int(protocol),
            "options": DEFAULT_OPTIONS,
            "verify_flags": _TRUSTED_FIRST,
            "verify_mode": _REQUIRED if is_client else _NONE,
            "check_hostname": is_client,
            "minimum_version": _OLDEST,
            "maximum_version": _NEWEST,
            "roots": {},
            "host_roots": False,
            "protocols": [],
            "identity": None,
        }
        if protocol in (3, 4, 5):
            self._values["minimum_version"] = self._values["maximum_version"] = 766 + protocol
        self._held = None
        self._host_flags = _NO_PARTIAL_WILDCARDS
        self.post_handshake_auth = False
        self.sni_callback = None
        return self

    def __del__(self):
        self._release()

    def _release(self):
        if self._held is not None:
            tls.forget(self._held)
            self._held = None

    def _change(self, name, value):
        self._values[name] = value
        self._release()

    options = _setting("options", "Flags, of which those that exclude versions have an effect.")
    verify_flags = _setting("verify_flags", "Flags, which have no effect.")

    @property
    def protocol(self):
        """The protocol that the context was created for."""
        return self._values["protocol"]

    @property
    def verify_mode(self):
        """CERT_NONE if the certificate of the server is not verified."""
        return self._values["verify_mode"]

    @verify_mode.setter
    def verify_mode(self, value):
        if value not in (0, 1, 2):
            raise ValueError("invalid value for verify_mode")
        if value == _NONE and self.check_hostname:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._change("verify_mode", int(value))

    @property
    def check_hostname(self):
        """True if the certificate must be valid for the name of the server."""
        return self._values["check_hostname"]

    @check_hostname.setter
    def check_hostname(self, value):
        if value and self.verify_mode == _NONE:
            self._change("verify_mode", _REQUIRED)
        self._change("check_hostname", bool(value))

    def _set_version(self, name, value):
        if self.protocol not in (2, _CLIENT, _SERVER):
            raise ValueError("The context's protocol doesn't support modification of highest and lowest version.")
        if value not in _VERSIONS:
            raise ValueError(f"Unsupported TLS/SSL version {value:#x}")
        self._change(name, int(value))

    @property
    def minimum_version(self):
        """The oldest version of the protocol.  TLS 1.2 is the oldest that there is."""
        return self._values["minimum_version"]

    @minimum_version.setter
    def minimum_version(self, value):
        self._set_version("minimum_version", value)

    @property
    def maximum_version(self):
        """The newest version of the protocol."""
        return self._values["maximum_version"]

    @maximum_version.setter
    def maximum_version(self, value):
        self._set_version("maximum_version", value)

    @property
    def security_level(self):
        """OpenSSL's security level, whose requirements are met."""
        return 2

    @property
    def num_tickets(self):
        """The number of tickets of a server."""
        return 2

    @num_tickets.setter
    def num_tickets(self, value):
        if value < 0:
            raise ValueError("value must be non-negative")
        if self.protocol != _SERVER:
            raise ValueError("SSLContext is not a server context.")

    @property
    def keylog_filename(self):
        """None: keys are not logged."""
        return None

    @keylog_filename.setter
    def keylog_filename(self, value):
        if value is not None:
            raise NotImplementedError("keys of TLS sessions cannot be logged: they stay in the host")

    @property
    def _msg_callback(self):
        """None: messages of the protocol are not shown."""
        return None

    @_msg_callback.setter
    def _msg_callback(self, value):
        if value is not None:
            raise NotImplementedError("messages of TLS sessions cannot be shown: they stay in the host")

    def _versions(self):
        """Return the oldest and the newest version that are enabled."""
        oldest, newest = self.minimum_version, self.maximum_version
        oldest = _TLS_1_2 if oldest == _OLDEST else _TLS_1_3 if oldest == _NEWEST else max(oldest, _TLS_1_2)
        newest = _TLS_1_3 if newest == _NEWEST else _TLS_1_2 if newest == _OLDEST else newest
        enabled = [
            version
            for version, flag in ((_TLS_1_2, _NO_TLS_1_2), (_TLS_1_3, _NO_TLS_1_3))
            if oldest <= version <= newest and not self.options & flag
        ]
        if not enabled:
            raise error(SSLError, 1, "no protocols available", "NO_PROTOCOLS_AVAILABLE", "SSL")
        names = {_TLS_1_2: tls.Version.TLS12, _TLS_1_3: tls.Version.TLS13}
        return names[enabled[0]], names[enabled[-1]]

    def _create(self):
        """Create the host's counterpart, unless there is one."""
        if self._held is not None:
            return
        values = self._values
        if values["verify_mode"] == _NONE:
            verification = tls.Verification.NOTHING
        elif values["check_hostname"]:
            verification = tls.Verification.CHAIN_AND_NAME
        else:
            verification = tls.Verification.CHAIN
        identity = values["identity"]
        oldest, newest = self._versions()
        settings = tls.Settings(
            roots=list(values["roots"]),
            host_roots=values["host_roots"],
            verification=verification,
            protocols=values["protocols"],
            oldest=oldest,
            newest=newest,
            identity=None if identity is None else tls.Identity(*identity),
        )
        try:
            self._held = tls.create_context(settings)
        except Err as refused:
            raise refusal_error(refused.value) from None

    def _connect(self, name):
        """Return the number of a new session with the server of that name."""
        if self.check_hostname and not name:
            raise ValueError("check_hostname requires server_hostname")
        self._create()
        try:
            return tls.connect(self._held, name)
        except Err as refused:
            if type(refused.value) is not tls.Error_Absent:
                raise refusal_error(refused.value) from None
        # This interpreter is a copy, and the context is the original's.
        self._held = None
        self._create()
        try:
            return tls.connect(self._held, name)
        except Err as refused:
            raise refusal_error(refused.value) from None

    def _check_side(self, is_server):
        if not is_server:
            if self.protocol == _SERVER:
                raise error(SSLError, 1, "Cannot create a client socket with a PROTOCOL_TLS_SERVER context")
            return
        if self.protocol == _CLIENT:
            raise error(SSLError, 1, "Cannot create a server socket with a PROTOCOL_TLS_CLIENT context")
        raise NotImplementedError(_NOT_A_SERVER)

    def _wrap_socket(self, sock, server_side, server_hostname=None, *, owner=None, session=None):
        self._check_side(server_side)
        return _SSLSocket(self, _OnSocket(sock), _host_name(server_hostname), owner)

    def _wrap_bio(self, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None):
        self._check_side(server_side)
        return _SSLSocket(self, _InMemory(incoming, outgoing), _host_name(server_hostname), owner)

    def _trust(self, found):
        for der in found:
            # A dict keeps the order, and each certificate once.
            self._values["roots"][der] = None
        self._release()

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        """Trust certificates: those of a file, those of all files in a folder, and those in text or DER."""
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if cadata is not None:
            self._trust(_certificates_in(cadata))
        if cafile is not None:
            found = certificates.find(_contents(cafile))
            if not found:
                text = "no certificate or crl found"
                raise error(SSLError, 136, text, "NO_CERTIFICATE_OR_CRL_FOUND", "X509")
            self._trust(found)
        if capath is not None:
            capath = os.fsdecode(capath)
            for name in sorted(os.listdir(capath)) if os.path.isdir(capath) else ():
                path = os.path.join(capath, name)
                if os.path.isfile(path):
                    self._trust(certificates.find(_contents(path)))

    def set_default_verify_paths(self):
        """Trust the authorities that the host trusts, and those in the file that `SSL_CERT_FILE` names."""
        self._change("host_roots", True)
        path = os.environ.get("SSL_CERT_FILE")
        if path and os.path.isfile(path):
            self._trust(certificates.find(_contents(path)))

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        """Present the certificate in a file to servers that request one."""
        text = _contents(certfile)
        chain = certificates.find(text)
        blocks = certificates.blocks(text if keyfile is None else _contents(keyfile))
        keys = [(kind, der) for kind, der in blocks if b"PRIVATE KEY" in kind]
        if not chain or not keys:
            raise error(SSLError, 524297, "PEM lib", None, "SSL")
        kind, key = keys[0]
        if kind.startswith(b"ENCRYPTED") or b"with headers" in kind:
            raise NotImplementedError("encrypted private keys are not supported: decrypt the key file")
        before = self._values["identity"]
        self._change("identity", (chain, key))
        try:
            self._create()
        except SSLError:
            self._change("identity", before)
            raise error(SSLError, 116, "key values mismatch", "KEY_VALUES_MISMATCH", "X509") from None

    def cert_store_stats(self):
        """Return the numbers of certificates that were loaded, without those of the host."""
        authorities = sum(certificates.read(der).is_authority for der in self._values["roots"])
        return {"x509": len(self._values["roots"]), "crl": 0, "x509_ca": authorities}

    def get_ca_certs(self, binary_form=False):
        """Return the authorities' certificates that were loaded, without those of the host."""
        found = [der for der in self._values["roots"] if certificates.read(der).is_authority]
        return found if binary_form else [certificates.as_dict(der) for der in found]

    def _set_alpn_protocols(self, protos, /):
        names, data = [], bytes(protos)
        while data:
            names.append(data[1 : 1 + data[0]])
            data = data[1 + data[0] :]
        self._change("protocols", names)

    def set_ciphers(self, cipherlist, /):
        """Check a list of ciphers.  It has no effect: all that there are, are secure."""
        words = re.split(r"[:, +]", cipherlist)
        if not any(_CIPHER_NAMES.fullmatch(word) for word in words):
            raise SSLError("No cipher can be selected.")

    def get_ciphers(self):
        """Return the ciphers."""
        return [
            {
                "id": number,
                "name": name,
                "protocol": version,
                "description": f"{name:30} {version}",
                "strength_bits": bits,
                "alg_bits": bits,
                "aead": True,
            }
            for number, name, version, bits in _CIPHERS
        ]

    def set_ecdh_curve(self, name, /):
        """Check the name of a curve.  It has no effect."""
        if name not in ("prime256v1", "secp256r1", "secp384r1", "X25519", "x25519"):
            raise ValueError(f"unknown elliptic curve name {name!r}")

    def load_dh_params(self, path, /):
        """Raise NotImplementedError: this is for servers."""
        raise NotImplementedError(_NOT_A_SERVER)

    def set_psk_client_callback(self, callback):
        """Raise NotImplementedError: there are no pre-shared keys."""
        raise NotImplementedError("pre-shared keys are not supported")

    set_psk_server_callback = set_psk_client_callback

    def session_stats(self):
        """Return counts, all zero."""
        names = "number connect connect_good connect_renegotiate accept accept_good accept_renegotiate hits misses"
        return dict.fromkeys((names + " timeouts cache_full").split(), 0)


_SSLContext.__module__ = "_ssl"


def _host_name(name):
    if name is None:
        return None
    if isinstance(name, (bytes, bytearray)):
        name = bytes(name).decode("ascii")
    if "\0" in name:
        raise TypeError("argument must be encoded string without null bytes, not str")
    return name.encode("idna").decode("ascii") or None


def _contents(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as problem:
        # CPython's has no file name.
        raise type(problem)(problem.errno, problem.strerror) from None


def _certificates_in(data):
    if isinstance(data, str):
        try:
            data = data.encode("ascii")
        except UnicodeEncodeError:
            raise TypeError("cadata should be an ASCII string or a bytes-like object") from None
        found, missing = certificates.find(data), "no start line"
    else:
        try:
            data = bytes(memoryview(data))
        except TypeError:
            raise TypeError("cadata should be an ASCII string or a bytes-like object") from None
        found, missing = certificates.split(data), "not enough data"
    if not data:
        raise ValueError("Empty certificate data")
    if not found:
        raise SSLError(f"{missing}: cadata does not contain a certificate (_ssl.c:4410)")
    return found
