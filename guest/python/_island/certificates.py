"""Certificates: their contents as dictionaries, and the text form that files have."""

import binascii
import re

from componentize_py_types import Err
from wit_world.imports import tls

from .tls_errors import SSLError, refusal_error

ENCODING_PEM, ENCODING_DER = 1, 2

_BLOCK = re.compile(
    rb"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----",
    re.DOTALL,
)
_CERTIFICATES = frozenset((b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"))


def blocks(text):
    """Yield the kinds and the contents of the blocks in a PEM file, `text` as bytes."""
    for kind, content in _BLOCK.findall(text):
        # Encrypted keys and some others have headers before an empty line.
        headers, blank, body = content.partition(b"\n\n")
        if blank and b":" in headers:
            kind = kind + b" with headers"
            content = body
        try:
            yield kind, binascii.a2b_base64(content)
        except binascii.Error as problem:
            raise SSLError(f"bad base64 decode: {problem}") from None


def find(text):
    """Return the certificates in a PEM file, `text` as bytes."""
    return [der for kind, der in blocks(text) if kind in _CERTIFICATES]


def split(data):
    """Return the certificates that follow each other in `data`, in DER."""
    found = []
    while data:
        size = _size(data)
        if size is None or size > len(data):
            break
        found.append(data[:size])
        data = data[size:]
    return found


def _size(data):
    """Return the size of the sequence at the start of `data`, or None if there is none."""
    if len(data) < 2 or data[0] != 0x30:
        return None
    first = data[1]
    if first < 0x80:
        return 2 + first
    count = first & 0x7F
    if not 1 <= count <= 4 or len(data) < 2 + count:
        return None
    return 2 + count + int.from_bytes(data[2 : 2 + count])


def read(der):
    """Return the contents of a certificate in DER."""
    try:
        return tls.read_certificate(der)
    except Err as error:
        raise refusal_error(error.value) from None


def as_dict(der):
    """Return the contents of a certificate as `getpeercert` presents them."""
    found = read(der)
    shown = {
        "subject": _name(found.subject),
        "issuer": _name(found.issuer),
        "version": found.version,
        "serialNumber": found.serial_number,
        "notBefore": found.not_before,
        "notAfter": found.not_after,
    }
    for key, values in (
        ("subjectAltName", found.alternative_names),
        ("OCSP", found.ocsp),
        ("caIssuers", found.issuers),
        ("crlDistributionPoints", found.revocation_lists),
    ):
        if values:
            shown[key] = tuple(tuple(value) if type(value) is not str else value for value in values)
    return shown


def _name(groups):
    return tuple(tuple((key, value) for key, value in group) for group in groups)


def decode(text):
    """Return the contents of the first certificate in a PEM file, as `getpeercert` presents them."""
    found = find(text.encode())
    if not found:
        raise SSLError("no certificate in the file")
    return as_dict(found[0])


class Certificate:
    """A certificate of a chain."""

    def __init__(self, der):
        self._der = der

    def public_bytes(self, format=ENCODING_PEM):
        """Return the certificate as text, or as bytes in DER."""
        if format == ENCODING_DER:
            return self._der
        if format != ENCODING_PEM:
            raise ValueError("Unsupported format")
        lines = binascii.b2a_base64(self._der, newline=False).decode()
        lines = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
        return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"

    def get_info(self):
        """Return the contents of the certificate."""
        return as_dict(self._der)

    def __eq__(self, other):
        return self._der == other._der if isinstance(other, Certificate) else NotImplemented

    def __hash__(self):
        return hash(self._der)


Certificate.__module__ = "_ssl"
