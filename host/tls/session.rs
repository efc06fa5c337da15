//! Sessions: the protocol with one server.

use super::context::{Context, Version};
use super::verifier::{Verification, reason};
use rustls::client::ClientConnection;
use rustls::pki_types::{IpAddr, Ipv4Addr, ServerName};
use rustls::{
    CipherSuite, Error, HandshakeKind, InvalidMessage, PeerIncompatible, ProtocolVersion,
};
use std::io::{BufRead, Write};

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
    connection: ClientConnection,
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
        let mut connection = ClientConnection::new(context.config.clone(), name)
            .map_err(|error| error.to_string())?;
        // A step is limited instead, and empties the buffers.
        connection.set_buffer_limit(None);
        Ok(Session {
            connection,
            state: State::Handshaking,
        })
    }

    /// Takes records from the server, and data for it once the handshake is complete.
    pub(crate) fn advance(&mut self, mut records: &[u8], data: &[u8]) -> Progress {
        let mut received = Vec::new();
        while !records.is_empty() && matches!(self.state, State::Handshaking | State::Open) {
            if let Err(failure) = self.receive(&mut records, &mut received) {
                self.state = State::Failed(failure);
            }
        }
        if !data.is_empty() && !matches!(self.state, State::Failed(_)) {
            self.send(data);
        }
        Progress {
            records: self.take_records(),
            data: received,
            state: self.state.clone(),
        }
    }

    /// Takes some of the records, and adds their data to `received`.
    fn receive(&mut self, records: &mut &[u8], received: &mut Vec<u8>) -> Result<(), Failure> {
        // It is full only after an error.
        let taken = self.connection.read_tls(records);
        if taken.map_or(true, |count| count == 0) {
            return Err(Failure::Protocol("BAD_PACKET"));
        }
        let io = match self.connection.process_new_packets() {
            Ok(io) => io,
            Err(error) => return Err(failure(&error)),
        };
        let mut reader = self.connection.reader();
        // There is nothing more, or the server has ended the session.
        while let Ok(data @ [_, ..]) = reader.fill_buf() {
            received.extend_from_slice(data);
            let length = data.len();
            reader.consume(length);
        }
        if io.peer_has_closed() {
            self.state = State::Ended;
        } else if !self.connection.is_handshaking() {
            self.state = State::Open;
        }
        Ok(())
    }
    /// Encrypts data.
    fn send(&mut self, data: &[u8]) {
        let is_ready = !self.connection.is_handshaking();
        if !is_ready || self.connection.writer().write_all(data).is_err() {
            self.state = State::Failed(Failure::Protocol("UNINITIALIZED"));
        }
    }

    /// Takes the records for the server.
    fn take_records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        // Writing to memory does not fail.
        while let Ok(1..) = self.connection.write_tls(&mut records) {}
        records
    }

    /// Ends the client's side, and returns the records that tell the server.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.connection.send_close_notify();
        self.take_records()
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
