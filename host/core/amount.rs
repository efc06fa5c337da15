//! Amounts in text form: `64MiB`, `500ms`, `3`.
//!
//! Policy files and the command line have the same grammar.

use crate::error::LimitKind;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// The error of a text that is not an amount.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{AmountError, LimitKind};
///
/// assert_eq!(LimitKind::Memory.parse("5 furlongs"), Err(AmountError::SizeUnit));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// The text is not a number with an optional unit of size.
    #[error("not a size (use a whole number with a unit, such as 64MiB)")]
    Size,
    /// The unit of the size is unknown.
    #[error("unknown unit (use KiB, MiB, GiB, KB, MB or GB)")]
    SizeUnit,
    /// The size does not fit into 64 bits.
    #[error("out of range (use less than 16 EiB)")]
    SizeRange,
    /// The text is not a number with an optional unit of time.
    #[error("not a time (use a number with a unit, such as 500ms)")]
    Time,
    /// The unit of the time is unknown.
    #[error("unknown unit (use ns, us, ms, s, m or h)")]
    TimeUnit,
    /// The time is negative, not a number, or longer than 584 years.
    #[error("out of range (use 0 to 584 years)")]
    TimeRange,
    /// The text is not a whole number.
    #[error("not a count (use a whole number)")]
    Count,
}

impl LimitKind {
    /// Parses an amount of this kind, and returns it in the unit of the kind.
    ///
    /// A time is a number with one of the units `ns`, `us`, `ms`, `s`, `m` and `h`, or a sequence of such times as
    /// in `1m 30s`; without a unit it is in seconds. A size is a whole number with one of the units `KiB`, `MiB`,
    /// `GiB`, `KB`, `MB` and `GB`; without a unit it is in bytes. All other amounts are whole numbers.
    ///
    /// # Errors
    ///
    /// Returns an [`AmountError`] if the text is not such an amount, or does not fit into 64 bits. Whether an amount
    /// is in the range of the limit is checked by [`Limits::check`](crate::Limits::check).
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::LimitKind;
    ///
    /// assert_eq!(LimitKind::Memory.parse("64MiB"), Ok(64 << 20));
    /// assert_eq!(LimitKind::Cpu.parse("1.5s"), Ok(1_500_000_000));
    /// assert_eq!(LimitKind::Children.parse("3"), Ok(3));
    /// assert!(LimitKind::Children.parse("3s").is_err());
    /// ```
    pub fn parse(self, text: &str) -> Result<u64, AmountError> {
        match self {
            LimitKind::Cpu | LimitKind::Wall => time(text),
            LimitKind::Memory
            | LimitKind::Output
            | LimitKind::Message
            | LimitKind::Queued
            | LimitKind::Tmp => size(text),
            _ => text.parse().map_err(|_| AmountError::Count),
        }
    }
}

/// An amount in a file. Its meaning depends on the key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Amount {
    Whole(u64),
    Fraction(f64),
    Text(String),
}

impl Amount {
    /// Returns a number of bytes.
    pub(crate) fn bytes(&self) -> Result<u64, String> {
        match self {
            Amount::Whole(bytes) => Ok(*bytes),
            Amount::Fraction(_) => Err(
                "a size must be a whole number of bytes, or a text such as \"64MiB\"".to_owned(),
            ),
            Amount::Text(text) => size(text).map_err(|error| described(text, error)),
        }
    }

    /// Returns the amount in the unit of limits of `kind`. Plain numbers are bytes, seconds or counts.
    pub(crate) fn of_limit(&self, kind: LimitKind) -> Result<u64, String> {
        use LimitKind::{Cpu, Wall};
        match (self, kind) {
            (Amount::Text(text), _) => kind.parse(text).map_err(|error| described(text, error)),
            (Amount::Whole(seconds), Cpu | Wall) => checked_nanos(Duration::from_secs(*seconds))
                .map_err(|error| described(seconds, error)),
            (Amount::Fraction(seconds), Cpu | Wall) => {
                from_seconds(*seconds).map_err(|error| described(seconds, error))
            }
            (Amount::Whole(number), _) => Ok(*number),
            (Amount::Fraction(_), _) => Err("it must be a whole number".to_owned()),
        }
    }

    /// Returns the file's form of a limit of `kind`.
    pub(crate) fn from_limit(kind: LimitKind, limit: u64) -> Self {
        match kind {
            LimitKind::Cpu | LimitKind::Wall => {
                let time = humantime::format_duration(Duration::from_nanos(limit));
                Amount::Text(time.to_string())
            }
            LimitKind::Memory
            | LimitKind::Output
            | LimitKind::Message
            | LimitKind::Queued
            | LimitKind::Tmp => Amount::from_bytes(limit),
            _ => Amount::whole(limit),
        }
    }

    /// Returns the file's form of a number of bytes.
    pub(crate) fn from_bytes(bytes: u64) -> Self {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        let unit = UNITS.iter().find(|(unit, _)| bytes.is_multiple_of(*unit));
        match unit {
            Some((unit, name)) if bytes > 0 => Amount::Text(format!("{}{name}", bytes / unit)),
            _ => Amount::whole(bytes),
        }
    }

    /// Returns a whole number; as text if it exceeds TOML's range, which ends at 2^63.
    fn whole(number: u64) -> Self {
        match i64::try_from(number) {
            Ok(_) => Amount::Whole(number),
            Err(_) => Amount::Text(number.to_string()),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Whole(number) => number.fmt(f),
            Amount::Fraction(number) => number.fmt(f),
            Amount::Text(text) => text.fmt(f),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Amount::Whole(number) => serializer.serialize_u64(*number),
            Amount::Fraction(number) => serializer.serialize_f64(*number),
            Amount::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of at least zero, or a text such as \"64MiB\" or \"500ms\"")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount::Whole(number))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Amount, E> {
                let whole = u64::try_from(number);
                whole
                    .map(Amount::Whole)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Amount, E> {
                Ok(Amount::Fraction(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Returns an error that quotes the amount.
fn described(amount: impl fmt::Debug, error: AmountError) -> String {
    format!("{amount:?}: {error}")
}

/// Splits a number from its unit.
fn split(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| c.is_alphabetic());
    let (number, unit) = text.split_at(at.unwrap_or(text.len()));
    (number.trim_end(), unit)
}

/// Parses a size such as `64MiB`.
fn size(text: &str) -> Result<u64, AmountError> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(AmountError::SizeUnit),
    };
    let number: u64 = number.parse().map_err(|_| AmountError::Size)?;
    number.checked_mul(factor).ok_or(AmountError::SizeRange)
}

/// Parses a time such as `500ms`, `1.5s` or `1m 30s`, and returns it in nanoseconds.
fn time(text: &str) -> Result<u64, AmountError> {
    if let Ok(time) = humantime::parse_duration(text) {
        return checked_nanos(time);
    }
    let (number, unit) = split(text);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(AmountError::TimeUnit),
    };
    let number: f64 = number.parse().map_err(|_| AmountError::Time)?;
    from_seconds(number * seconds)
}

fn from_seconds(seconds: f64) -> Result<u64, AmountError> {
    checked_nanos(Duration::try_from_secs_f64(seconds).map_err(|_| AmountError::TimeRange)?)
}

fn checked_nanos(time: Duration) -> Result<u64, AmountError> {
    u64::try_from(time.as_nanos()).map_err(|_| AmountError::TimeRange)
}

/// Returns a duration in nanoseconds, or the maximum for one of more than 584 years.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_parsed_or_refused() {
        let rows = [("64MiB", 64 << 20), ("64 MiB", 64 << 20), ("10kb", 10_000)];
        for (text, bytes) in rows.into_iter().chain([("3", 3), ("0", 0), ("1B", 1)]) {
            assert_eq!(size(text), Ok(bytes), "{text:?}");
        }
        let wrong = [
            ("", AmountError::Size),
            ("MiB", AmountError::Size),
            ("-1", AmountError::Size),
            ("1.5GiB", AmountError::Size),
            ("99999999999999999999", AmountError::Size),
            ("99999999999GiB", AmountError::SizeRange),
            ("1x", AmountError::SizeUnit),
            ("nan", AmountError::SizeUnit),
            ("1\u{e9}", AmountError::SizeUnit),
        ];
        for (text, error) in wrong {
            assert_eq!(size(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn times_are_parsed_or_refused() {
        let rows = [
            ("500ms", 500_000_000),
            ("1.5s", 1_500_000_000),
            ("1.5", 1_500_000_000),
            ("1 s", 1_000_000_000),
            ("2m", 120_000_000_000),
            ("2min", 120_000_000_000),
            ("1.5min", 90_000_000_000),
            ("1m 30s", 90_000_000_000),
            ("0", 0),
        ];
        for (text, nanos) in rows {
            assert_eq!(time(text), Ok(nanos), "{text:?}");
        }
        let wrong = [
            ("", AmountError::Time),
            ("ms", AmountError::Time),
            ("-1s", AmountError::TimeRange),
            ("nan", AmountError::TimeUnit),
            ("inf", AmountError::TimeUnit),
            ("1e300s", AmountError::TimeUnit),
            ("1e9h", AmountError::TimeUnit),
            ("9999999h", AmountError::TimeRange),
            ("5x", AmountError::TimeUnit),
            ("1\u{e9}", AmountError::TimeUnit),
        ];
        for (text, error) in wrong {
            assert_eq!(time(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn written_limits_are_read_back() {
        for &kind in LimitKind::ALL {
            for limit in [1, 999, 1024, 1 << 20, 1_500_000_001, u64::MAX] {
                let written = Amount::from_limit(kind, limit);
                assert_eq!(written.of_limit(kind), Ok(limit), "{kind}: {written}");
            }
        }
    }
}
