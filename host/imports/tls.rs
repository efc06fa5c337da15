//! The host side of the `tls` imports.

use super::arrival::Fits;
use crate::island::bindings::archipel::island::tls as wit;
use crate::island::caller::Caller;
use crate::island::state::State;
use crate::tls::{self, Context, Session};
use archipel_core::error::LimitKind;
use archipel_core::ledger::{Exceeded, Reservation};
use std::sync::Arc;
use wasmtime::Result;
use wasmtime::component::{Linker, Resource};
use wit::{Certificate, Description, Error, Progress, Settings};

/// An entry of a guest's table, with the charge for its memory.
struct Held<T> {
    /// The upper half of its number. It tells the entry from others that had its place in the table, in this
    /// interpreter or in the one that it was copied from.
    mark: u32,
    value: T,
    _memory: Reservation,
}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Self {
        Error::Limit(exceeded.into())
    }
}

impl Caller<'_> {
    /// Adds an entry to the guest's table, and returns its number. The inner error means that a limit would be exceeded.
    fn enter<T: Send + 'static>(
        &mut self,
        weight: u64,
        make: impl FnOnce() -> Result<T, String>,
    ) -> Result<Result<u64, Error>> {
        let memory = match self.account.reserve(LimitKind::Memory, weight) {
            Ok(memory) => memory,
            Err(exceeded) => return Ok(Err(exceeded.into())),
        };
        let value = match make() {
            Ok(value) => value,
            Err(text) => return Ok(Err(Error::Wrong(text))),
        };
        let mark = tls::random_mark()?;
        let held = Held {
            mark,
            value,
            _memory: memory,
        };
        Ok(match self.hold(held)? {
            Ok(handle) => Ok(u64::from(mark) << 32 | u64::from(handle.rep())),
            Err(exceeded) => Err(exceeded.into()),
        })
    }

    /// Returns the entry of that type and number, if there is one.
    fn find<T: Send + 'static>(&mut self, number: u64) -> Option<&mut T> {
        let (mark, handle) = handle(number);
        let held: &mut Held<T> = self.table.get_mut(&handle).ok()?;
        (held.mark == mark).then_some(&mut held.value)
    }

    /// Removes the entry of that type and number, and returns whether there was one.
    fn forget<T: Send + 'static>(&mut self, number: u64) -> Result<bool> {
        let found = self.find::<T>(number).is_some();
        if found {
            let (_, handle) = handle::<T>(number);
            self.let_go::<Held<T>>(Resource::new_own(handle.rep()))?;
        }
        Ok(found)
    }
}

fn handle<T: Send + 'static>(number: u64) -> (u32, Resource<Held<T>>) {
    let [mark, rep] = [number >> 32, number & u64::from(u32::MAX)];
    let rep = u32::try_from(rep).unwrap_or(u32::MAX);
    let mark = u32::try_from(mark).unwrap_or(u32::MAX);
    (mark, Resource::new_borrow(rep))
}

impl wit::Host for Caller<'_> {
    fn create_context(&mut self, settings: Settings) -> Result<Result<u64, Error>> {
        let settings = tls::Settings::from(settings);
        let weight = u64::try_from(settings.weight()).unwrap_or(u64::MAX);
        self.enter(weight, || Context::new(settings).map(Arc::new))
    }

    fn connect(&mut self, context: u64, server_name: Option<String>) -> Result<Result<u64, Error>> {
        let Some(context) = self.find::<Arc<Context>>(context).cloned() else {
            return Ok(Err(Error::Absent));
        };
        self.enter(tls::WEIGHT, || {
            Session::new(&context, server_name.as_deref())
        })
    }

    fn advance(
        &mut self,
        session: u64,
        records: Vec<u8>,
        data: Vec<u8>,
    ) -> Result<Result<Progress, Error>> {
        if records.len().max(data.len()) > tls::MOST_PER_STEP {
            return Ok(Err(Error::Wrong(format!(
                "more than {} bytes at a time",
                tls::MOST_PER_STEP
            ))));
        }
        Ok(match self.find::<Session>(session) {
            Some(session) => Ok(session.advance(&records, &data).into()),
            None => Err(Error::Absent),
        })
    }

    fn finish(&mut self, session: u64) -> Result<Result<Vec<u8>, Error>> {
        let session = self.find::<Session>(session);
        Ok(session.map(Session::finish).ok_or(Error::Absent))
    }

    fn describe(&mut self, session: u64) -> Result<Result<Description, Error>> {
        Ok(match self.find::<Session>(session) {
            None => Err(Error::Absent),
            Some(session) => match session.describe() {
                Some(description) => Ok(description.into()),
                None => Err(Error::Wrong("the handshake is not complete".to_owned())),
            },
        })
    }

    fn forget(&mut self, number: u64) -> Result<()> {
        if !Caller::forget::<Session>(self, number)? {
            Caller::forget::<Arc<Context>>(self, number)?;
        }
        Ok(())
    }

    fn read_certificate(&mut self, certificate: Vec<u8>) -> Result<Result<Certificate, Error>> {
        let read = tls::Certificate::read(&certificate);
        Ok(read.map(Certificate::from).map_err(Error::Wrong))
    }
}

/// Adds `advance` to `linker`. It replaces the function of the bindings, which cannot report that a result has no room.
pub(super) fn add_advance(linker: &mut Linker<State>) -> Result<()> {
    let mut tls = linker.instance("archipel:island/tls@0.1.0")?;
    tls.func_wrap("advance", |mut store, (session, records, data)| {
        let mut caller = store.data_mut().caller();
        let result = wit::Host::advance(&mut caller, session, records, data)?;
        Ok((Fits::or(result, Err(Error::NoMemory)),))
    })
}

impl From<Settings> for tls::Settings {
    fn from(settings: Settings) -> Self {
        tls::Settings {
            roots: settings.roots,
            has_host_roots: settings.host_roots,
            verification: match settings.verification {
                wit::Verification::Nothing => tls::Verification::Nothing,
                wit::Verification::Chain => tls::Verification::Chain,
                wit::Verification::ChainAndName => tls::Verification::ChainAndName,
            },
            protocols: settings.protocols,
            oldest: settings.oldest.into(),
            newest: settings.newest.into(),
            identity: settings.identity.map(|identity| tls::Identity {
                chain: identity.chain,
                key: identity.key,
            }),
        }
    }
}

impl From<wit::Version> for tls::Version {
    fn from(version: wit::Version) -> Self {
        match version {
            wit::Version::Tls12 => tls::Version::Tls12,
            wit::Version::Tls13 => tls::Version::Tls13,
        }
    }
}

impl From<tls::Progress> for Progress {
    fn from(progress: tls::Progress) -> Self {
        Progress {
            records: progress.records,
            data: progress.data,
            state: match progress.state {
                tls::State::Handshaking => wit::State::Handshaking,
                tls::State::Open => wit::State::Open,
                tls::State::Ended => wit::State::Ended,
                tls::State::Failed(failure) => wit::State::Failed(failure.into()),
            },
        }
    }
}

impl From<tls::Failure> for wit::Failure {
    fn from(failure: tls::Failure) -> Self {
        match failure {
            tls::Failure::Unverified(code, text) => wit::Failure::Unverified((code, text)),
            tls::Failure::Alert(alert) => wit::Failure::Alert(alert),
            tls::Failure::Protocol(reason) => wit::Failure::Protocol(reason.to_owned()),
        }
    }
}

impl From<tls::Description> for Description {
    fn from(description: tls::Description) -> Self {
        Description {
            version: match description.version {
                tls::Version::Tls12 => wit::Version::Tls12,
                tls::Version::Tls13 => wit::Version::Tls13,
            },
            cipher: description.cipher.to_owned(),
            bits: description.bits,
            protocol: description.protocol,
            certificates: description.certificates,
            resumed: description.resumed,
        }
    }
}

impl From<tls::Certificate> for Certificate {
    fn from(certificate: tls::Certificate) -> Self {
        Certificate {
            subject: certificate.subject,
            issuer: certificate.issuer,
            version: certificate.version,
            serial_number: certificate.serial_number,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            alternative_names: certificate.alternative_names,
            ocsp: certificate.ocsp,
            issuers: certificate.issuers,
            revocation_lists: certificate.revocation_lists,
            is_authority: certificate.is_authority,
        }
    }
}
