//! Tests that any file is either read, or refused with an error of one line.

use super::file::read;
use super::{Policy, Profile};
use crate::error::{Error, Invalid};
use proptest::prelude::*;
use std::path::Path;

/// A file with all keys.
const FULL: &str = r#"args = ["a", "b"]
path = ["/lib"]
stdin = true
net = ["example.org:443", "10.0.0.0/8:80"]
aliases = ["f"]
images = ["science", "a-1.x_y"]
pass_env = ["HOME"]
clock = "real"
random = { seeded = 7 }
children = { count = 3, depth = 2 }
[env]
A = "b"
[dirs]
"/in" = { host = "docs" }
"/out" = { host = "examples", access = "rw", quota = "3MiB" }
[modules]
hide = ["ctypes"]
[limits]
memory = "64MiB"
cpu = "500ms"
handles = 100
"#;

const PIECES: &[&str] = &[
    "args",
    "path",
    "stdin",
    "net",
    "dirs",
    "env",
    "limits",
    "modules",
    "clock",
    "random",
    "children",
    "images",
    "memory",
    "cpu",
    "quota",
    "host",
    "access",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\r\n",
    "\"",
    "'",
    "\"\"\"",
    "#",
    " ",
    "0",
    "-1",
    "1e999",
    "nan",
    "true",
    "18446744073709551616",
    "\"64 MiB\"",
    "\"1e400 s\"",
    "\"-1\"",
    "\"/\"",
    "\"../..\"",
    "\\u0000",
    "\u{0}",
    "\u{2028}",
    "\u{202e}",
    "\u{85}",
    "1979-05-27T07:32:00Z",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    match read(
        text,
        "policy.toml",
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
    ) {
        Ok(profile) => {
            // A profile that was read can be written, and then reads as the same profile.
            let written = profile.to_toml().unwrap();
            prop_assert_eq!(Profile::from_toml(&written).unwrap(), profile, "{}", text);
        }
        Err(Error::Config(Invalid { text: why, .. })) => {
            prop_assert!(why.starts_with("policy.toml, line "), "{}", why);
            prop_assert!(!why.contains(['\n', '\r', '\0']), "{:?}", why);
        }
        Err(other) => prop_assert!(false, "{:?}", other),
    }
    Ok(())
}

#[test]
fn a_file_with_all_keys_is_read() {
    let profile = read(
        FULL,
        "policy.toml",
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
    )
    .unwrap();
    assert_ne!(profile.policy, Policy::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_read_or_refused_in_one_line(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_sequence_of_tokens_is_read_or_refused_in_one_line(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
    ) {
        check(&pieces.concat())?;
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_in_one_line(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..4_usize, prop::sample::select(PIECES)),
            1..5,
        ),
    ) {
        let mut text = FULL.to_owned();
        for (place, length, piece) in changes {
            let start = place.index(text.len());
            let end = (start + length * 3).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, piece);
            }
        }
        check(&text)?;
    }
}
