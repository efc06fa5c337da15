"""The exceptions of `ssl`, with OpenSSL's names and texts."""

from wit_world.imports import tls

from . import errors

# The place in CPython's source that ends most texts.
_PLACE = "(_ssl.c:1130)"


class SSLError(OSError):
    """An error occurred in the SSL implementation."""

    library = reason = None

    def __str__(self):
        return self.strerror if isinstance(self.strerror, str) else str(self.args)


class SSLZeroReturnError(SSLError):
    """SSL/TLS session closed cleanly."""


class SSLWantReadError(SSLError):
    """Non-blocking SSL socket needs to read more data before the requested operation can be completed."""


class SSLWantWriteError(SSLError):
    """Non-blocking SSL socket needs to write more data before the requested operation can be completed."""


class SSLSyscallError(SSLError):
    """System error when attempting SSL operation."""


class SSLEOFError(SSLError):
    """SSL/TLS connection terminated abruptly."""


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate could not be verified."""

    verify_code, verify_message = 0, ""


for _class in (
    SSLError,
    SSLZeroReturnError,
    SSLWantReadError,
    SSLWantWriteError,
    SSLSyscallError,
    SSLEOFError,
    SSLCertVerificationError,
):
    _class.__module__ = "ssl"

# The names of alerts.  The first group begins with SSLV3_ALERT_, the second with TLSV1_ALERT_.
_SSL_ALERTS = {
    10: "UNEXPECTED_MESSAGE",
    20: "BAD_RECORD_MAC",
    30: "DECOMPRESSION_FAILURE",
    40: "HANDSHAKE_FAILURE",
    41: "NO_CERTIFICATE",
    42: "BAD_CERTIFICATE",
    43: "UNSUPPORTED_CERTIFICATE",
    44: "CERTIFICATE_REVOKED",
    45: "CERTIFICATE_EXPIRED",
    46: "CERTIFICATE_UNKNOWN",
    47: "ILLEGAL_PARAMETER",
}
_TLS_ALERTS = {
    21: "DECRYPTION_FAILED",
    22: "RECORD_OVERFLOW",
    48: "UNKNOWN_CA",
    49: "ACCESS_DENIED",
    50: "DECODE_ERROR",
    51: "DECRYPT_ERROR",
    60: "EXPORT_RESTRICTION",
    70: "PROTOCOL_VERSION",
    71: "INSUFFICIENT_SECURITY",
    80: "INTERNAL_ERROR",
    86: "INAPPROPRIATE_FALLBACK",
    90: "USER_CANCELLED",
    100: "NO_RENEGOTIATION",
    115: "UNKNOWN_PSK_IDENTITY",
    120: "NO_APPLICATION_PROTOCOL",
}
_NEW_ALERTS = {
    109: "TLSV13_ALERT_MISSING_EXTENSION",
    110: "TLSV1_UNSUPPORTED_EXTENSION",
    111: "TLSV1_CERTIFICATE_UNOBTAINABLE",
    112: "TLSV1_UNRECOGNIZED_NAME",
    113: "TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE",
    114: "TLSV1_BAD_CERTIFICATE_HASH_VALUE",
    116: "TLSV13_ALERT_CERTIFICATE_REQUIRED",
}


def error(kind, number, text, reason=None, library=None):
    """Return an error of class `kind`."""
    prefix = f"[{library}: {reason}] " if reason else f"[{library}] " if library else ""
    made = kind(number, f"{prefix}{text} {_PLACE}")
    made.reason, made.library = reason, library
    return made


def protocol_error(reason):
    """Return the error for a violation of the protocol."""
    return error(SSLError, 1, reason.lower().replace("_", " "), reason, "SSL")


def want_read():
    """Return the error of an operation that needs data from the other side."""
    return error(SSLWantReadError, 2, "The operation did not complete (read)")


def want_write():
    """Return the error of an operation that cannot send now."""
    return error(SSLWantWriteError, 3, "The operation did not complete (write)")


def end_of_file():
    """Return the error of a connection that ended without an end of its session."""
    text = "EOF occurred in violation of protocol"
    return error(SSLEOFError, 8, text, "UNEXPECTED_EOF_WHILE_READING", "SSL")


def failure_error(failure):
    """Return the error for the failure of a session that the host reports."""
    match failure:
        case tls.Failure_Unverified(value=(code, why)):
            text = f"certificate verify failed: {why}"
            made = error(SSLCertVerificationError, 1, text, "CERTIFICATE_VERIFY_FAILED", "SSL")
            made.verify_code, made.verify_message = code, why
            return made
        case tls.Failure_Alert(value=number):
            return _alert_error(number)
        case tls.Failure_Protocol(value=reason):
            return protocol_error(reason)


def _alert_error(number):
    if number in _SSL_ALERTS:
        reason = f"SSLV3_ALERT_{_SSL_ALERTS[number]}"
        text = "ssl/tls alert " + _SSL_ALERTS[number].lower().replace("_", " ")
        return error(SSLError, 1, text, reason, "SSL")
    name = _TLS_ALERTS.get(number)
    reason = f"TLSV1_ALERT_{name}" if name else _NEW_ALERTS.get(number, "UNKNOWN_ALERT_TYPE")
    return protocol_error(reason)


def refusal_error(refusal):
    """Return the error for a refusal of the host."""
    match refusal:
        case tls.Error_Limit(value=reached):
            return errors.limit_exceeded(reached)
        case tls.Error_NoMemory():
            return MemoryError()
        case tls.Error_Wrong(value=text):
            return SSLError(text)
        case tls.Error_Absent():
            return SSLError("the session belongs to another interpreter, of which this one is a copy")
