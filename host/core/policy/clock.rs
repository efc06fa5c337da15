//! What time it is for an interpreter, and where its random numbers come from.

use super::Policy;
use crate::error::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::{Duration, SystemTime};

/// What time it is for an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Clock {
    /// What the host's clocks say.  The default.
    #[default]
    Real,
    /// All clocks stand still, the monotonic one at zero, while an interpreter computes and while it
    /// waits for others.  They go on by the time that a sleep or the timeout of a wait took, when it
    /// is over: so a loop that waits until some time comes to its end.
    #[serde(with = "moment")]
    Frozen(SystemTime),
    /// The time of day is so many seconds ahead of the host's, or behind it.  The monotonic clock is
    /// the host's.
    Offset(i64),
}

/// Where random numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Random {
    /// The system, which nobody can predict.  The default.
    #[default]
    Real,
    /// A generator that begins with this seed: everything random is the same in every run, `secrets`
    /// too.  Each interpreter of a family draws numbers of its own, which depend on the order in which
    /// they were created.
    #[serde(with = "seed")]
    Seeded(u64),
}

impl Clock {
    /// Whether whoever has `parent` may have this.  A clock that stands tells nothing, so
    /// everybody may have one.
    pub(crate) fn is_within(&self, parent: &Clock) -> bool {
        matches!(self, Clock::Frozen(_)) || *parent == Clock::Real || self == parent
    }

    fn check(&self) -> Result<()> {
        /// What WASI and Python can both express: the year 9999.
        const LAST: Duration = Duration::from_secs(253_402_300_799);
        let fits = match self {
            Clock::Frozen(time) => time
                .duration_since(SystemTime::UNIX_EPOCH)
                .is_ok_and(|since| since <= LAST),
            Clock::Offset(seconds) => seconds.unsigned_abs() <= LAST.as_secs(),
            Clock::Real => true,
        };
        match fits {
            true => Ok(()),
            false => Err(Error::Config(
                "a clock cannot be set to a time before 1970 or after 9999".to_owned(),
            )),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clock::Real => f.write_str("real"),
            // A time that cannot be written as a date was not checked yet.
            Clock::Frozen(time) if self.check().is_ok() => {
                write!(f, "frozen at {}", humantime::format_rfc3339(*time))
            }
            Clock::Frozen(_) => f.write_str("frozen"),
            Clock::Offset(seconds) => write!(f, "{seconds:+} seconds"),
        }
    }
}

impl Random {
    /// Whether whoever has `parent` may have this.  What can be predicted tells nothing, so
    /// everybody may have it.
    pub(crate) fn is_within(&self, parent: &Random) -> bool {
        matches!(self, Random::Seeded(_)) || self == parent
    }
}

impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Random::Real => f.write_str("real"),
            Random::Seeded(seed) => write!(f, "seeded with {seed}"),
        }
    }
}

impl Policy {
    /// What time it is for the interpreter.  By default its clocks are real.
    ///
    /// # Errors
    ///
    /// When the time is before 1970 or after 9999.
    ///
    /// # Examples
    ///
    /// A run that is the same each time, to the byte:
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{Clock, Policy, Random};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let policy = Policy::new()
    ///     .clock(Clock::Frozen(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)))?
    ///     .random(Random::Seeded(1));
    /// let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    /// assert!(Policy::new().clock(Clock::Frozen(before)).is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn clock(mut self, clock: Clock) -> Result<Self> {
        clock.check()?;
        self.clock = clock;
        Ok(self)
    }

    /// Where random numbers come from.  By default they are real.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }
}

/// Times in files: `2026-01-31T12:00:00Z`, or seconds since 1970.
mod moment {
    use super::*;
    use serde::de::{Error, Unexpected, Visitor};

    pub(super) fn serialize<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_rfc3339(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = SystemTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as \"2026-01-31T12:00:00Z\", or seconds since 1970")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SystemTime, E> {
                humantime::parse_rfc3339(text)
                    .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<SystemTime, E> {
                SystemTime::UNIX_EPOCH
                    .checked_add(Duration::from_secs(seconds))
                    .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(seconds), &self))
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<SystemTime, E> {
                match u64::try_from(seconds) {
                    Ok(seconds) => self.visit_u64(seconds),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(seconds), &self)),
                }
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<SystemTime, E> {
                let since = Duration::try_from_secs_f64(seconds).ok();
                since
                    .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
                    .ok_or_else(|| E::invalid_value(Unexpected::Float(seconds), &self))
            }
        }
        from.deserialize_any(Any)
    }
}

/// Seeds in files, where numbers end at 2^63.
mod seed {
    use super::*;
    use crate::policy::amount::Amount;

    pub(super) fn serialize<S: Serializer>(seed: &u64, to: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(*seed) {
            Ok(seed) => to.serialize_i64(seed),
            Err(_) => to.collect_str(seed),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let wrong = || serde::de::Error::custom("a seed is a whole number of at least zero");
        match Amount::deserialize(from)? {
            Amount::Whole(seed) => Ok(seed),
            Amount::Text(seed) => seed.parse().map_err(|_| wrong()),
            Amount::Fraction(_) => Err(wrong()),
        }
    }
}
