//! TLS sessions of guests, whose connections the guests themselves make.
//!
//! A session takes and returns bytes, and knows neither sockets nor guests. The protocol and its cryptography are
//! `rustls`'s.

mod certificate;
mod context;
mod roots;
mod session;
mod verifier;

pub(crate) use certificate::Certificate;
pub(crate) use context::{Context, Identity, Settings, Version};
pub(crate) use session::{Description, Failure, MOST_PER_STEP, Progress, Session, State, WEIGHT};
pub(crate) use verifier::Verification;

/// Returns a random number.
pub(crate) fn random_mark() -> Result<u32, rustls::Error> {
    let mut bytes = [0; 4];
    context::PROVIDER.secure_random.fill(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes))
}
