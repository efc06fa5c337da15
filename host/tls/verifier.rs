//! Verification of servers' certificates, with OpenSSL's numbers and texts for its errors.

use super::roots::Roots;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use x509_parser::parse_x509_certificate;

/// The checks that a client makes of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    Nothing,
    Chain,
    ChainAndName,
}

/// The reason why a certificate was not accepted: the number and the text of OpenSSL's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unverified {
    pub(super) code: u32,
    pub(super) text: String,
}

impl Unverified {
    fn new(code: u32, text: impl Into<String>) -> Self {
        Unverified {
            code,
            text: text.into(),
        }
    }
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Unverified {}

/// Verifies what a context wants to be verified.
#[derive(Debug)]
pub(super) struct Verifier {
    roots: Vec<Arc<Roots>>,
    verification: Verification,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        roots: Vec<Arc<Roots>>,
        verification: Verification,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Verifier {
            roots,
            verification,
            algorithms,
        }
    }

    /// Verifies that a trusted authority has signed the certificate, or that it is trusted itself.
    fn verify_chain(
        &self,
        leaf: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Unverified> {
        if self.roots.iter().any(|roots| roots.has(leaf)) {
            return verify_time(leaf, now);
        }
        let mut first = None;
        for roots in &self.roots {
            let verified = verify_server_cert_signed_by_trust_anchor(
                parsed,
                &roots.authorities,
                others,
                now,
                self.algorithms.all,
            );
            match verified {
                Ok(()) => return Ok(()),
                // An authority was found, but something else is wrong.
                Err(error) if !is_unknown(&error) => return Err(unverified(&error, leaf, others)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        Err(unverified(&first.unwrap_or(unknown), leaf, others))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = Ok(ServerCertVerified::assertion());
        if self.verification == Verification::Nothing {
            return verified;
        }
        let parsed = ParsedCertificate::try_from(leaf)?;
        self.verify_chain(leaf, &parsed, others, now)
            .map_err(refused)?;
        if self.verification == Verification::ChainAndName
            && verify_server_name(&parsed, name).is_err()
        {
            return Err(refused(mismatch(name)));
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Carries the reason through rustls.
fn refused(reason: Unverified) -> Error {
    let reason = OtherError(Arc::new(reason));
    Error::InvalidCertificate(CertificateError::Other(reason))
}

/// Returns the reason that [`Verifier`] gave, or one for an error of rustls's own.
pub(super) fn reason(error: &CertificateError) -> Unverified {
    let given = match error {
        CertificateError::Other(OtherError(reason)) => reason.downcast_ref::<Unverified>(),
        _ => None,
    };
    given.cloned().unwrap_or_else(|| translated(error, &[]))
}

fn is_unknown(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        // An authority's certificate that a server uses for itself.
        Error::InvalidCertificate(CertificateError::Other(_)) => true,
        _ => false,
    }
}

fn unverified(
    error: &Error,
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
) -> Unverified {
    let chain: Vec<&CertificateDer<'_>> = std::iter::once(leaf).chain(others).collect();
    match error {
        Error::InvalidCertificate(error) => translated(error, &chain),
        _ => Unverified::new(1, "unspecified certificate verification error"),
    }
}

fn translated(error: &CertificateError, chain: &[&CertificateDer<'_>]) -> Unverified {
    use CertificateError::*;
    match error {
        Expired | ExpiredContext { .. } => Unverified::new(10, "certificate has expired"),
        NotValidYet | NotValidYetContext { .. } => {
            Unverified::new(9, "certificate is not yet valid")
        }
        BadSignature => Unverified::new(7, "certificate signature failure"),
        InvalidPurpose | InvalidPurposeContext { .. } => {
            Unverified::new(26, "unsuitable certificate purpose")
        }
        Revoked => Unverified::new(23, "certificate revoked"),
        UnhandledCriticalExtension => Unverified::new(34, "unhandled critical extension"),
        UnknownIssuer | Other(_) => match chain {
            [leaf] if is_self_signed(leaf) => Unverified::new(18, "self-signed certificate"),
            [.., last] if is_self_signed(last) => {
                Unverified::new(19, "self-signed certificate in certificate chain")
            }
            _ => Unverified::new(20, "unable to get local issuer certificate"),
        },
        _ => Unverified::new(1, "unspecified certificate verification error"),
    }
}

/// Returns whether the certificate names itself as its issuer.
fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    parse_x509_certificate(certificate)
        .is_ok_and(|(_, read)| read.subject().as_raw() == read.issuer().as_raw())
}

fn verify_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Unverified> {
    let Ok((_, read)) = parse_x509_certificate(certificate) else {
        return Err(Unverified::new(
            1,
            "unspecified certificate verification error",
        ));
    };
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = read.validity();
    if now < validity.not_before.timestamp() {
        return Err(Unverified::new(9, "certificate is not yet valid"));
    }
    if now > validity.not_after.timestamp() {
        return Err(Unverified::new(10, "certificate has expired"));
    }
    Ok(())
}

fn mismatch(name: &ServerName<'_>) -> Unverified {
    let (code, what) = match name {
        ServerName::IpAddress(_) => (64, "IP address mismatch"),
        _ => (62, "Hostname mismatch"),
    };
    let name = name.to_str();
    Unverified::new(
        code,
        format!("{what}, certificate is not valid for '{name}'."),
    )
}
