//! The clock and the source of random numbers of an interpreter.

use super::Policy;
use crate::error::{ConfigKind, Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::{Duration, SystemTime};

/// The clock of an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Clock {
    /// The host's clocks. This is the default.
    #[default]
    Real,
    /// All clocks stand still, the monotonic one at zero, while an interpreter computes and while it waits for
    /// other interpreters. When a sleep or the timeout of a wait ends, they advance by its duration, so a loop
    /// that waits for a certain time ends.
    #[serde(with = "moment")]
    Frozen(SystemTime),
    /// The time of day is this number of seconds ahead of the host's, or behind it if negative. The monotonic
    /// clock is the host's.
    Offset(i64),
}

/// The source of an interpreter's random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Random {
    /// The operating system's generator, which is unpredictable. This is the default.
    #[default]
    Real,
    /// A generator with this seed. Everything random is the same in every run, including `secrets`. Each
    /// interpreter of a family draws its own numbers, which depend on the order in which the interpreters were
    /// created.
    #[serde(with = "seed")]
    Seeded(u64),
}

impl Clock {
    /// Returns whether an interpreter with `parent` can grant this. A frozen clock reveals nothing about the
    /// host, so any interpreter can grant one.
    pub(crate) fn is_within(&self, parent: &Clock) -> bool {
        matches!(self, Clock::Frozen(_)) || *parent == Clock::Real || self == parent
    }

    fn check(&self) -> Result<()> {
        /// The end of the range of WASI and Python: the year 9999.
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
            false => Err(Error::config(
                ConfigKind::Grant,
                "a clock cannot be set to a time before 1970 or after 9999".to_owned(),
            )),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clock::Real => f.write_str("real"),
            // A time that has not been checked can be impossible to write as a date.
            Clock::Frozen(time) if self.check().is_ok() => {
                write!(f, "frozen at {}", humantime::format_rfc3339(*time))
            }
            Clock::Frozen(_) => f.write_str("frozen"),
            Clock::Offset(seconds) => write!(f, "{seconds:+} seconds"),
        }
    }
}

impl Random {
    /// Returns whether an interpreter with `parent` can grant this. Predictable numbers reveal nothing about
    /// the host, so any interpreter can grant them.
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
    /// Sets the interpreter's clock. The default is the host's clock.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if the time is before 1970 or after 9999, or the offset exceeds this range.
    ///
    /// # Examples
    ///
    /// A run with the same results each time, byte for byte:
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::{Clock, Random};
    /// use archipel::Policy;
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

    /// Sets the source of random numbers. The default is the operating system's generator.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::Random;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().random(Random::Seeded(7));
    /// assert!(policy.to_string().contains("random seeded with 7"));
    /// ```
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }
}

/// The file form of times: `2026-01-31T12:00:00Z`, or seconds since 1970.
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

/// The file form of seeds: texts beyond TOML's range, which ends at 2^63.
mod seed {
    use super::*;
    use crate::amount::Amount;

    pub(super) fn serialize<S: Serializer>(seed: &u64, to: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(*seed) {
            Ok(seed) => to.serialize_i64(seed),
            Err(_) => to.collect_str(seed),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let wrong = || serde::de::Error::custom("a seed must be a whole number of at least zero");
        match Amount::deserialize(from)? {
            Amount::Whole(seed) => Ok(seed),
            Amount::Text(seed) => seed.parse().map_err(|_| wrong()),
            Amount::Fraction(_) => Err(wrong()),
        }
    }
}
