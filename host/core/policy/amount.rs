//! Amounts in text form: `64MiB`, `500ms`, `3`.

use crate::error::LimitKind;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::time::Duration;

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
            Amount::Text(text) => size(text),
        }
    }

    /// Returns the amount in the unit of limits of `kind`. Plain numbers are bytes, seconds or counts.
    pub(crate) fn of_limit(&self, kind: LimitKind) -> Result<u64, String> {
        match kind {
            LimitKind::Cpu | LimitKind::Wall => {
                let time = match self {
                    Amount::Whole(seconds) => Duration::from_secs(*seconds),
                    Amount::Fraction(seconds) => from_seconds(*seconds)?,
                    Amount::Text(text) => time(text)?,
                };
                u64::try_from(time.as_nanos()).map_err(|_| "the time is too long".to_owned())
            }
            LimitKind::Memory
            | LimitKind::Output
            | LimitKind::Message
            | LimitKind::Queued
            | LimitKind::Tmp => self.bytes(),
            _ => match self {
                Amount::Whole(count) => Ok(*count),
                Amount::Fraction(_) => Err("it must be a whole number".to_owned()),
                Amount::Text(text) => text
                    .parse()
                    .map_err(|_| format!("{text:?} is not a whole number")),
            },
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

/// Splits a number from its unit.
fn split(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| c.is_alphabetic());
    let (number, unit) = text.split_at(at.unwrap_or(text.len()));
    (number.trim_end(), unit)
}

/// Parses a size such as `64MiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => {
            return Err(format!(
                "{text:?} has an unknown unit; use KiB, MiB, GiB, KB, MB or GB"
            ));
        }
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| format!("{text:?} is not a whole number with a unit, such as 64MiB"))
}

/// Parses a time such as `500ms`, `1.5s` or `1m 30s`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    if let Ok(time) = humantime::parse_duration(text) {
        return Ok(time);
    }
    let (number, unit) = split(text);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => {
            return Err(format!(
                "{text:?} has an unknown unit; use ns, us, ms, s, m or h"
            ));
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{text:?} is not a number with a unit, such as 500ms"))?;
    from_seconds(number * seconds)
}

fn from_seconds(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| format!("{seconds} seconds is negative, too long or not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_parsed_or_refused() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("64 MiB"), Ok(64 << 20));
        assert_eq!(size("3"), Ok(3));
        for wrong in [
            "",
            "MiB",
            "-1",
            "1.5GiB",
            "99999999999999999999",
            "1x",
            "1\u{e9}",
        ] {
            assert!(size(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "ms", "-1s", "nan", "inf", "1e300s", "5x", "1\u{e9}"] {
            assert!(time(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn written_limits_are_read_back() {
        for kind in LimitKind::ALL {
            for limit in [1, 999, 1024, 1 << 20, 1_500_000_001, u64::MAX] {
                let written = Amount::from_limit(kind, limit);
                assert_eq!(written.of_limit(kind), Ok(limit), "{kind}: {written}");
            }
        }
    }
}
