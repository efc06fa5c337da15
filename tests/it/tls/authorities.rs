//! Authorities and their certificates, of which each test makes its own.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate with its key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// Both as a file.
    pub pem: String,
}

/// An authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Returns a certificate for `name`, valid for `years`.
    pub fn sign(&self, name: &str, years: (i32, i32)) -> Identity {
        let (params, key) = params(name, years);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        identity(certificate.der().clone(), certificate.pem(), &key)
    }
}

/// Returns a certificate for `name` that no authority has signed.
pub fn self_signed(name: &str) -> Identity {
    let (params, key) = params(name, (2020, 2090));
    let certificate = params.self_signed(&key).unwrap();
    identity(certificate.der().clone(), certificate.pem(), &key)
}

fn params(name: &str, years: (i32, i32)) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Archipel");
    params
        .subject_alt_names
        .push(SanType::IpAddress([127, 0, 0, 1].into()));
    params.not_before = date_time_ymd(years.0, 1, 2);
    params.not_after = date_time_ymd(years.1, 3, 14);
    params.serial_number = Some(0x0012_34ab_u64.into());
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    (params, KeyPair::generate().unwrap())
}

fn identity(certificate: CertificateDer<'static>, pem: String, key: &KeyPair) -> Identity {
    Identity {
        chain: vec![certificate],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        pem: format!("{pem}{}", key.serialize_pem()),
    }
}
