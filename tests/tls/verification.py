#: stdout good: TLSv1.3 ('TLS_AES_256_GCM_SHA384', 'TLSv1.3', 256) None b'HI'
#: stdout good: TLSv1.3 ('TLS_AES_256_GCM_SHA384', 'TLSv1.3', 256) None b'HI'
#: stdout tls12: TLSv1.2 ('ECDHE-ECDSA-AES256-GCM-SHA384', 'TLSv1.2', 256) None b'HI'
#: stdout expired: SSLCertVerificationError 10 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1130)
#: stdout early: SSLCertVerificationError 9 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:1130)
#: stdout wrong: SSLCertVerificationError 62 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'localhost'. (_ssl.c:1130)
#: stdout stranger: SSLCertVerificationError 20 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1130)
#: stdout self: SSLCertVerificationError 18 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1130)
#: stdout old: SSLError TLSV1_ALERT_PROTOCOL_VERSION [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1130)
#: stdout plain: SSLError WRONG_VERSION_NUMBER [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1130)
#: stdout truncated: SSLEOFError UNEXPECTED_EOF_WHILE_READING [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1130)
#: stdout huge: SSLError ENCRYPTED_LENGTH_TOO_LONG [SSL: ENCRYPTED_LENGTH_TOO_LONG] encrypted length too long (_ssl.c:1130)
#: stdout empty: SSLEOFError UNEXPECTED_EOF_WHILE_READING [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1130)
#: stdout client: SSLError TLSV13_ALERT_CERTIFICATE_REQUIRED
#: stdout address: 64 IP address mismatch, certificate is not valid for '127.0.0.2'.
#: stdout no trust: 20
#: stdout unverified: {} True
#: stdout chain only: wrong
#: stdout trusted itself: (('commonName', 'localhost'),)
#: stdout subject (('commonName', 'localhost'),) (('organizationName', 'Archipel'),)
#: stdout issuer ((('commonName', 'test authority'),),)
#: stdout version 3 serial 1234AB from Jan  2 00:00:00 2020 GMT to Mar 14 00:00:00 2090 GMT
#: stdout names (('DNS', 'localhost'), ('IP Address', '127.0.0.1'))
#: stdout h2 False
#: stdout versions: TLSv1.2, TLSV1_ALERT_PROTOCOL_VERSION, NO_PROTOCOLS_AVAILABLE
"""Certificates and versions, good and bad, and the errors that CPython has for them."""

import socket
import ssl
import sys

*items, authority = sys.argv[1:]
ports = dict(item.split("=", 1) for item in items)
trusting = ssl.create_default_context(cadata=authority)


def connect(name, context=trusting, host="localhost"):
    s = socket.create_connection(("127.0.0.1", int(ports[name])))
    return context.wrap_socket(s, server_hostname=host)


def attempt(name):
    try:
        with connect(name) as s:
            s.sendall(b"hi")
            print(f"{name}:", s.version(), s.cipher(), s.selected_alpn_protocol(), s.recv(10))
    except ssl.SSLCertVerificationError as error:
        assert isinstance(error, ValueError) and error.reason == "CERTIFICATE_VERIFY_FAILED"
        print(f"{name}:", type(error).__name__, error.verify_code, error)
    except ssl.SSLError as error:
        assert error.library == "SSL"
        print(f"{name}:", type(error).__name__, error.reason, error)


for name in "good good tls12 expired early wrong stranger self old plain truncated huge empty".split():
    attempt(name)

# The server reports the missing certificate.
try:
    connect("client")
except ssl.SSLError as error:
    print("client:", type(error).__name__, error.reason)

try:
    connect("good", host="127.0.0.2")
except ssl.SSLCertVerificationError as error:
    print("address:", error.verify_code, error.verify_message)
connect("good", host="127.0.0.1").close()

try:
    connect("good", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
except ssl.SSLCertVerificationError as error:
    print("no trust:", error.verify_code)

loose = ssl._create_unverified_context()
with connect("self", loose) as s:
    print("unverified:", s.getpeercert(), len(s.getpeercert(binary_form=True)) > 100)
    itself = s.getpeercert(binary_form=True)

trusting.check_hostname = False
connect("wrong").close()
print("chain only: wrong")
trusting.check_hostname = True

pinned = ssl.create_default_context(cadata=itself)
with connect("self", pinned) as s:
    print("trusted itself:", s.getpeercert()["subject"][0])

trusting.set_alpn_protocols(["h2", "http/1.1"])
with connect("good") as s:
    found = s.getpeercert()
    print("subject", *found["subject"])
    print("issuer", found["issuer"])
    print("version", found["version"], "serial", found["serialNumber"], "from", found["notBefore"], "to", found["notAfter"])
    print("names", found["subjectAltName"])
    print(s.selected_alpn_protocol(), s.session_reused)

results = []
trusting.maximum_version = ssl.TLSVersion.TLSv1_2
with connect("good") as s:
    results.append(s.version())
trusting.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
trusting.minimum_version = ssl.TLSVersion.TLSv1_3
for context in trusting, ssl.SSLContext(ssl.PROTOCOL_TLSv1_1):
    try:
        connect("tls12", context)
    except ssl.SSLError as error:
        results.append(error.reason)
print("versions:", ", ".join(results))
