//! Amounts that interpreters use: charges that last until they are dropped, fair shares of what is scarce, and the
//! question to an owner whose limit is exceeded.
//!
//! It uses no other module of this crate. The accounts themselves are in `archipel-core`.

mod fair_share;
mod gauge;
mod owner;

pub(crate) use fair_share::fair_share;
pub(crate) use gauge::{Charge, Gauge};
pub(crate) use owner::{Attempt, LimitOwner, Raises, while_raised};
