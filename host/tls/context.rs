//! Contexts: the settings that several sessions share.

use super::roots::{self, Roots};
use super::verifier::{Verification, Verifier};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use std::sync::{Arc, LazyLock};

/// The maximum size of a context's certificates and key together, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// The maximum number of application protocols, and the maximum length of the name of each.
const MOST_PROTOCOLS: usize = 64;
const LONGEST_PROTOCOL: usize = 255;

/// The number of servers for which a context remembers how to continue a session.
const REMEMBERED: usize = 8;

/// The host memory of a context without certificates, in bytes: mostly the remembered sessions.
const EMPTY: usize = 64 << 10;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Tls12,
    Tls13,
}

/// A client's certificate, with its intermediates, and its private key; all in DER.
pub(crate) struct Identity {
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) key: Vec<u8>,
}

/// The settings of a client's sessions, as a guest states them.
pub(crate) struct Settings {
    /// Trusted certificates, in DER.
    pub(crate) roots: Vec<Vec<u8>>,
    /// True if the host's authorities are trusted, too.
    pub(crate) has_host_roots: bool,
    pub(crate) verification: Verification,
    /// The application protocols in order of preference.
    pub(crate) protocols: Vec<Vec<u8>>,
    pub(crate) oldest: Version,
    pub(crate) newest: Version,
    pub(crate) identity: Option<Identity>,
}

impl Settings {
    /// Returns the host memory of a context with these settings, in bytes.
    pub(crate) fn weight(&self) -> usize {
        // A trusted certificate is kept whole, and as what verification needs of it.
        EMPTY.saturating_add(self.bytes().saturating_mul(2))
    }

    fn bytes(&self) -> usize {
        let identity = self.identity.iter();
        let identity = identity.flat_map(|it| it.chain.iter().chain([&it.key]));
        let all = self.roots.iter().chain(&self.protocols).chain(identity);
        all.fold(0, |sum, bytes| sum.saturating_add(bytes.len()))
    }
}

/// The settings of sessions, ready to use.
pub(crate) struct Context {
    pub(super) config: Arc<ClientConfig>,
    pub(crate) verification: Verification,
}

impl Context {
    /// Creates a context.
    ///
    /// # Errors
    ///
    /// Returns a text if the settings are invalid.
    pub(crate) fn new(settings: Settings) -> Result<Context, String> {
        if settings.bytes() > MOST_BYTES {
            return Err(format!(
                "certificates and keys of more than {MOST_BYTES} bytes"
            ));
        }
        check_protocols(&settings.protocols)?;
        let mut own = Roots::none();
        for certificate in settings.roots {
            own.add(certificate.into())?;
        }
        let mut roots = vec![Arc::new(own)];
        if settings.has_host_roots {
            roots.push(roots::of_host());
        }
        let provider = PROVIDER.clone();
        let verifier = Verifier::new(
            roots,
            settings.verification,
            provider.signature_verification_algorithms,
        );
        let all = [(Version::Tls13, &TLS13), (Version::Tls12, &TLS12)];
        let versions: Vec<_> = all
            .into_iter()
            .filter(|(version, _)| (settings.oldest..=settings.newest).contains(version))
            .map(|(_, version)| version)
            .collect();
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|_| "no version of the protocol is enabled".to_owned())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match settings.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => {
                let chain = chain.into_iter().map(CertificateDer::from).collect();
                let key = PrivateKeyDer::try_from(key).map_err(str::to_owned)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| error.to_string())?
            }
        };
        config.alpn_protocols = settings.protocols;
        config.resumption = Resumption::in_memory_sessions(REMEMBERED);
        Ok(Context {
            config: Arc::new(config),
            verification: settings.verification,
        })
    }
}

/// The cryptography of all sessions.
pub(super) static PROVIDER: LazyLock<Arc<rustls::crypto::CryptoProvider>> =
    LazyLock::new(|| Arc::new(default_provider()));

fn check_protocols(protocols: &[Vec<u8>]) -> Result<(), String> {
    let fits = |name: &Vec<u8>| (1..=LONGEST_PROTOCOL).contains(&name.len());
    match protocols.len() <= MOST_PROTOCOLS && protocols.iter().all(fits) {
        true => Ok(()),
        false => Err(format!(
            "more than {MOST_PROTOCOLS} application protocols, or one that does not have 1 to {LONGEST_PROTOCOL} bytes"
        )),
    }
}
