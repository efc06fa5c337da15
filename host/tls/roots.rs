//! Trusted certificates.

use crate::telemetry;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// Certificates that are trusted to sign others, and that are trusted themselves.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) authorities: RootCertStore,
    certificates: HashSet<CertificateDer<'static>>,
}

impl Roots {
    /// Returns no certificates.
    pub(super) fn none() -> Self {
        Roots {
            authorities: RootCertStore::empty(),
            certificates: HashSet::new(),
        }
    }

    /// Adds a certificate.
    ///
    /// # Errors
    ///
    /// Returns a text if it is malformed.
    pub(super) fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), String> {
        self.authorities
            .add(certificate.clone())
            .map_err(|error| format!("a trusted certificate is malformed: {error}"))?;
        self.certificates.insert(certificate);
        Ok(())
    }

    /// Returns whether this very certificate is trusted.
    pub(super) fn has(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.contains(certificate)
    }
}

/// Returns the certificates that the host trusts, which are read once: those of the system, or those that the host's
/// variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
pub(super) fn of_host() -> Arc<Roots> {
    static ROOTS: OnceLock<Arc<Roots>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            telemetry::event!(warn, "cannot read trusted certificates: {error}");
        }
        let mut roots = Roots::none();
        for certificate in found.certs {
            // Systems have old certificates that rustls does not accept.
            let _ = roots.add(certificate);
        }
        Arc::new(roots)
    };
    ROOTS.get_or_init(read).clone()
}
