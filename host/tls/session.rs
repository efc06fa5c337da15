//! Sessions: the protocol with one server.

use super::context::{Context, Verification, Version};
use super::verifier::reason;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{IpAddr, Ipv4Addr, ServerName};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus,
};
use rustls::{CipherSuite, Error, HandshakeKind, InvalidMessage, PeerIncompatible, ProtocolVersion};

/// The maximum number of bytes in one step, in each direction.
pub(crate) const MOST_PER_STEP: usize = 1 << 20;

/// The host memory of a session, in bytes: its keys, the certificates of the server, and incomplete records.
pub(crate) const WEIGHT: u64 = 128 << 10;

/// The reason why a session ended with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The certificate was not accepted: the number and the text of OpenSSL's error.
    Unverified(u32, String),
    /// The server sent this alert.
    Alert(u8),
    /// The protocol was violated: OpenSSL's name for the reason.
    Protocol(&'static str),
}

/// The state of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Handshaking,
    Open,
    /// The server sends nothing more.
    Ended,
    Failed(Failure),
}

/// The result of a step.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Records for the server.
    pub(crate) records: Vec<u8>,
    /// Data from the server.
    pub(crate) data: Vec<u8>,
    pub(crate) state: State,
}

/// The properties of a session whose handshake is complete.
pub(crate) struct Description {
    pub(crate) version: Version,
    /// OpenSSL's name of the cipher suite, and the length of its key in bits.
    pub(crate) cipher: &'static str,
    pub(crate) bits: u32,
    pub(crate) protocol: Option<Vec<u8>>,
    /// The certificates that the server sent, in DER.
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) resumed: bool,
}

/// A client's session with a server.
pub(crate) struct Session {
    connection: UnbufferedClientConnection,
    /// An incomplete record.
    incoming: Vec<u8>,
    state: State,
}

impl Session {
    /// Starts a session. A name that is an address is not sent to the server.
    ///
    /// # Errors
    ///
    /// Returns a text if the name is invalid, or missing though the context verifies it.
    pub(crate) fn new(context: &Context, name: Option<&str>) -> Result<Session, String> {
        let name = match name {
            Some(name) => ServerName::try_from(name.to_owned())
                .map_err(|_| format!("{name:?} is not the name of a server"))?,
            None if context.verification == Verification::ChainAndName => {
                return Err("the server has no name to verify".to_owned());
            }
            None => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0; 4]))),
        };
        let connection = UnbufferedClientConnection::new(context.config.clone(), name)
            .map_err(|error| error.to_string())?;
        Ok(Session {
            connection,
            incoming: Vec::new(),
            state: State::Handshaking,
        })
    }

    /// Takes records from the server, and data for it once the handshake is complete.
    pub(crate) fn advance(&mut self, records: &[u8], data: &[u8]) -> Progress {
        let mut progress = Progress {
            records: Vec::new(),
            data: Vec::new(),
            state: State::Handshaking,
        };
        let end = self.incoming.len() + records.len();
        self.incoming.reserve_exact(end - self.incoming.len());
        self.incoming.extend_from_slice(records);
        let is_over = matches!(self.state, State::Ended | State::Failed(_));
        let done = match is_over {
            true => 0,
            false => self.process(&mut progress),
        };
        self.incoming.drain(..done);
        if !matches!(self.state, State::Handshaking | State::Open) {
            self.incoming = Vec::new();
        }
        if !data.is_empty() && !matches!(self.state, State::Failed(_)) {
            self.send(data, &mut progress.records);
        }
        progress.state = self.state.clone();
        progress
    }

    /// Processes the incoming records, and returns how many bytes of them are done.
    fn process(&mut self, progress: &mut Progress) -> usize {
        let mut done = 0;
        loop {
            let UnbufferedStatus { discard, state } = self
                .connection
                .process_tls_records(&mut self.incoming[done..]);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        progress.data.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut encoder)) => {
                    append(&mut progress.records, |buffer| match encoder.encode(buffer) {
                        Err(EncodeError::InsufficientSize(size)) => Err(Some(size)),
                        Err(EncodeError::AlreadyEncoded) => Err(None),
                        Ok(length) => Ok(length),
                    });
                }
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                Ok(state) => {
                    // After an error, this only follows the alert for the server.
                    if !matches!(self.state, State::Failed(_)) {
                        self.state = match state {
                            ConnectionState::WriteTraffic(_) => State::Open,
                            ConnectionState::PeerClosed | ConnectionState::Closed => State::Ended,
                            _ => State::Handshaking,
                        };
                    }
                    return done + discard;
                }
                Err(error) => {
                    let again = std::mem::replace(&mut self.state, State::Failed(failure(&error)));
                    if matches!(again, State::Failed(_)) {
                        self.state = again;
                        return self.incoming.len();
                    }
                    // rustls must not see these records again, but has an alert to encode.
                    done = self.incoming.len();
                    continue;
                }
            }
            done += discard;
        }
    }

    /// Encrypts data.
    fn send(&mut self, data: &[u8], records: &mut Vec<u8>) {
        let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut []);
        let sent = match state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                append(records, |buffer| match traffic.encrypt(data, buffer) {
                    Err(EncryptError::InsufficientSize(size)) => Err(Some(size)),
                    Err(EncryptError::EncryptExhausted) => Err(None),
                    Ok(length) => Ok(length),
                })
            }
            _ => false,
        };
        if !sent {
            self.state = State::Failed(Failure::Protocol("PROTOCOL_IS_SHUTDOWN"));
        }
    }

    /// Ends the client's side, and returns the records that tell the server.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut []);
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = state {
            append(&mut records, |buffer| {
                match traffic.queue_close_notify(buffer) {
                    Err(EncryptError::InsufficientSize(size)) => Err(Some(size)),
                    Err(EncryptError::EncryptExhausted) => Err(None),
                    Ok(length) => Ok(length),
                }
            });
        }
        records
    }

    /// Returns the properties of the session, or `None` if the handshake is not complete.
    pub(crate) fn describe(&self) -> Option<Description> {
        let version = match self.connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => Version::Tls12,
            _ => Version::Tls13,
        };
        let suite = self.connection.negotiated_cipher_suite()?;
        let (cipher, bits) = openssl_cipher(suite.suite());
        let certificates = self.connection.peer_certificates().unwrap_or_default();
        Some(Description {
            version,
            cipher,
            bits,
            protocol: self.connection.alpn_protocol().map(<[u8]>::to_vec),
            certificates: certificates.iter().map(|one| one.to_vec()).collect(),
            resumed: self.connection.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }
}

/// Appends what `write` writes into a buffer. It returns the size that it needs if the buffer is too small, and `None`
/// if it writes nothing, for which this returns false.
fn append(
    records: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<InsufficientSizeError>>,
) -> bool {
    let start = records.len();
    let mut size = 0;
    // The second call has the size that the first one asked for.
    for _ in 0..2 {
        records.resize(start + size, 0);
        match write(&mut records[start..]) {
            Ok(length) => {
                records.truncate(start + length);
                return true;
            }
            Err(Some(needed)) => size = needed.required_size,
            Err(None) => break,
        }
    }
    records.truncate(start);
    false
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::InvalidCertificate(error) => {
            let reason = reason(error);
            Failure::Unverified(reason.code, reason.text)
        }
        Error::AlertReceived(alert) => Failure::Alert(u8::from(*alert)),
        Error::InvalidMessage(InvalidMessage::MessageTooLarge) | Error::PeerSentOversizedRecord => {
            Failure::Protocol("ENCRYPTED_LENGTH_TOO_LONG")
        }
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => Failure::Protocol("WRONG_VERSION_NUMBER"),
        Error::InvalidMessage(_) => Failure::Protocol("BAD_PACKET"),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Failure::Protocol("UNSUPPORTED_PROTOCOL"),
        Error::PeerIncompatible(_) => Failure::Protocol("NO_SHARED_CIPHER"),
        Error::DecryptError => Failure::Protocol("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"),
        Error::NoApplicationProtocol => Failure::Protocol("NO_APPLICATION_PROTOCOL"),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            Failure::Protocol("UNEXPECTED_MESSAGE")
        }
        Error::PeerMisbehaved(_) => Failure::Protocol("BAD_HANDSHAKE"),
        _ => Failure::Protocol("INTERNAL_ERROR"),
    }
}

/// Returns OpenSSL's name of a cipher suite, and the length of its key in bits.
fn openssl_cipher(suite: CipherSuite) -> (&'static str, u32) {
    use CipherSuite::*;
    match suite {
        TLS13_AES_256_GCM_SHA384 => ("TLS_AES_256_GCM_SHA384", 256),
        TLS13_AES_128_GCM_SHA256 => ("TLS_AES_128_GCM_SHA256", 128),
        TLS13_CHACHA20_POLY1305_SHA256 => ("TLS_CHACHA20_POLY1305_SHA256", 256),
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-ECDSA-AES256-GCM-SHA384", 256),
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-ECDSA-AES128-GCM-SHA256", 128),
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => ("ECDHE-ECDSA-CHACHA20-POLY1305", 256),
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-RSA-AES256-GCM-SHA384", 256),
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-RSA-AES128-GCM-SHA256", 128),
        TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => ("ECDHE-RSA-CHACHA20-POLY1305", 256),
        _ => ("UNKNOWN", 0),
    }
}
