//! Times and sizes on the command line.

use std::time::Duration;

/// Parses a time such as `500ms`. Without a unit it is in seconds.
pub fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("unknown unit (use ns, us, ms, s, m or h)".to_owned()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "not a time (use a number with a unit, such as 500ms)".to_owned())?;
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|time| time.as_nanos() <= u64::MAX.into())
        .ok_or_else(|| "out of range (use 0 to 584 years)".to_owned())
}

/// Parses a size such as `64MiB`. Without a unit it is in bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err("unknown unit (use KiB, MiB, GiB, KB, MB or GB)".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "not a size (use a whole number with a unit, such as 64MiB)".to_owned())?;
    let bytes = number.checked_mul(factor);
    bytes.ok_or_else(|| "out of range (use less than 16 EiB)".to_owned())
}

fn split(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| c.is_ascii_alphabetic());
    text.split_at(at.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_or_are_in_seconds() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "ms", "-1s", "nan", "inf", "1e300s", "1e9h", "1 s", "5x"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_a_unit_or_are_in_bytes() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("10kb"), Ok(10_000));
        for wrong in ["", "MiB", "-1", "1.5GiB", "99999999999GiB", "1x", "nan"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
