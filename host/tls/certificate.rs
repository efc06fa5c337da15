//! The contents of certificates, as Python's `ssl` presents them.

use std::net::{Ipv4Addr, Ipv6Addr};
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, OID_PKIX_ACCESS_DESCRIPTOR_OCSP,
};
use x509_parser::parse_x509_certificate;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

/// The maximum length of a certificate, in bytes. TLS has one of 16 MiB, and those of the web have 2 KiB.
const LONGEST: usize = 64 << 10;

/// The attributes of a subject or issuer, in groups: OpenSSL's long name, and the value.
pub(crate) type Name = Vec<Vec<(String, String)>>;

/// The contents of a certificate.
#[derive(Debug, Default)]
pub(crate) struct Certificate {
    pub(crate) subject: Name,
    pub(crate) issuer: Name,
    pub(crate) version: u32,
    /// Hexadecimal.
    pub(crate) serial_number: String,
    /// As in `Jan  5 09:34:43 2026 GMT`.
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    pub(crate) alternative_names: Vec<(String, String)>,
    /// Addresses: of servers that know whether it is revoked, of the issuer's certificate, and of lists of revoked ones.
    pub(crate) ocsp: Vec<String>,
    pub(crate) issuers: Vec<String>,
    pub(crate) revocation_lists: Vec<String>,
    /// True if it may sign others.
    pub(crate) is_authority: bool,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// Returns a text if it is malformed or has more than 64 KiB.
    pub(crate) fn read(der: &[u8]) -> Result<Certificate, String> {
        if der.len() > LONGEST {
            return Err(format!("a certificate of more than {LONGEST} bytes"));
        }
        let (rest, read) =
            parse_x509_certificate(der).map_err(|_| "a malformed certificate".to_owned())?;
        if !rest.is_empty() {
            return Err("data after the end of a certificate".to_owned());
        }
        let mut certificate = Certificate {
            subject: name(read.subject()),
            issuer: name(read.issuer()),
            version: read.version().0.saturating_add(1),
            serial_number: serial_number(read.raw_serial()),
            not_before: time(read.validity().not_before),
            not_after: time(read.validity().not_after),
            is_authority: read.is_ca(),
            ..Certificate::default()
        };
        for extension in read.extensions() {
            certificate.add(extension.parsed_extension());
        }
        Ok(certificate)
    }

    fn add(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                let names = names.general_names.iter();
                self.alternative_names.extend(names.filter_map(alternative));
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for description in access.iter() {
                    let addresses = match &description.access_method {
                        method if *method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP => &mut self.ocsp,
                        method if *method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS => {
                            &mut self.issuers
                        }
                        _ => continue,
                    };
                    addresses.extend(address(&description.access_location));
                }
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                for point in points.iter() {
                    if let Some(DistributionPointName::FullName(names)) = &point.distribution_point
                    {
                        self.revocation_lists
                            .extend(names.iter().filter_map(address));
                    }
                }
            }
            _ => {}
        }
    }
}

fn name(name: &X509Name<'_>) -> Name {
    let attributes = name.iter().map(|group| {
        let group = group.iter();
        group
            .map(|attribute| {
                let value = attribute.attr_value();
                let text = match attribute.as_str() {
                    Ok(text) => text.to_owned(),
                    Err(_) => String::from_utf8_lossy(value.data).into_owned(),
                };
                (long_name(&attribute.attr_type().to_id_string()), text)
            })
            .collect()
    });
    attributes.collect()
}

/// Returns OpenSSL's long name of an attribute, or its numbers.
fn long_name(numbers: &str) -> String {
    let name = match numbers {
        "2.5.4.3" => "commonName",
        "2.5.4.4" => "surname",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "countryName",
        "2.5.4.7" => "localityName",
        "2.5.4.8" => "stateOrProvinceName",
        "2.5.4.9" => "streetAddress",
        "2.5.4.10" => "organizationName",
        "2.5.4.11" => "organizationalUnitName",
        "2.5.4.12" => "title",
        "2.5.4.15" => "businessCategory",
        "2.5.4.17" => "postalCode",
        "2.5.4.42" => "givenName",
        "2.5.4.97" => "organizationIdentifier",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "0.9.2342.19200300.100.1.1" => "userId",
        "0.9.2342.19200300.100.1.25" => "domainComponent",
        "1.3.6.1.4.1.311.60.2.1.1" => "jurisdictionLocalityName",
        "1.3.6.1.4.1.311.60.2.1.2" => "jurisdictionStateOrProvinceName",
        "1.3.6.1.4.1.311.60.2.1.3" => "jurisdictionCountryName",
        numbers => numbers,
    };
    name.to_owned()
}

fn alternative(name: &GeneralName<'_>) -> Option<(String, String)> {
    let (kind, value) = match name {
        GeneralName::DNSName(name) => ("DNS", (*name).to_owned()),
        GeneralName::RFC822Name(name) => ("email", (*name).to_owned()),
        GeneralName::URI(address) => ("URI", (*address).to_owned()),
        GeneralName::IPAddress(bytes) => ("IP Address", ip_address(bytes)),
        GeneralName::DirectoryName(name) => ("DirName", name.to_string()),
        GeneralName::RegisteredID(numbers) => ("Registered ID", numbers.to_id_string()),
        _ => return None,
    };
    Some((kind.to_owned(), value))
}

/// Returns the text of an address as OpenSSL writes it.
fn ip_address(bytes: &[u8]) -> String {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Ipv4Addr::from(bytes).to_string();
    }
    let Ok(bytes) = <[u8; 16]>::try_from(bytes) else {
        return "<invalid>".to_owned();
    };
    let groups = Ipv6Addr::from(bytes).segments();
    groups.map(|group| format!("{group:X}")).join(":")
}

fn address(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(address) => Some((*address).to_owned()),
        _ => None,
    }
}

/// Returns the hexadecimal digits of a number, in whole bytes and without leading zero bytes.
fn serial_number(bytes: &[u8]) -> String {
    let start = bytes.iter().position(|byte| *byte != 0);
    let bytes = &bytes[start.unwrap_or(bytes.len().saturating_sub(1))..];
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn time(time: ASN1Time) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let time = time.to_datetime();
    let month = usize::from(u8::from(time.month())) - 1;
    let (hour, minute, second) = time.to_hms();
    format!(
        "{} {:2} {hour:02}:{minute:02}:{second:02} {} GMT",
        MONTHS[month % 12],
        time.day(),
        time.year(),
    )
}
