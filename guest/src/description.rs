//! The description that an image carries: a custom section in front of the component's own sections.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{self, Read};

/// The header of a component.
const HEADER: &[u8; 8] = b"\0asm\x0d\0\x01\0";

/// The name of the custom section.
const SECTION: &str = "archipel-image";

/// The maximum size of the section, in bytes.
const MOST_SECTION_BYTES: u32 = 1 << 20;

/// The description of an image, which its file contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Description {
    /// The name of the image.
    pub name: String,
    /// The version of Archipel that built it.
    pub archipel: String,
    /// The version of CPython in it.
    pub python: String,
    /// The packages in it, sorted by name.
    pub packages: Vec<Package>,
    /// The modules that are imported in its snapshot.
    #[serde(default)]
    pub imports: Vec<String>,
    /// The SHA-256 of the set-up script that ran before the snapshot.
    #[serde(default)]
    pub setup: Option<String>,
    /// The SHA-256 of everything that the image was built from.
    pub inputs: String,
    /// The tools that built it, in one line.
    pub built: String,
    /// The SHA-256 of the rest of the file.
    pub content: String,
}

/// A package in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Package {
    /// The normalised name of the distribution.
    pub name: String,
    /// The version.
    pub version: String,
    /// The name of its wheel.
    pub wheel: String,
    /// The SHA-256 of its wheel.
    pub sha256: String,
}

/// The reason for which a file's description cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unreadable {
    /// The file cannot be read.
    Io(io::Error),
    /// The file is not what was written; the text says why.
    Damaged(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Io(error) => error.fmt(f),
            Unreadable::Damaged(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Unreadable {}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Unreadable::Damaged("its description is cut off".to_owned())
            }
            _ => Unreadable::Io(error),
        }
    }
}

impl Description {
    /// Reads the description at the start of a component, and nothing behind it. Returns `None` if the component has
    /// no description, as a guest of `archipel guest export`.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable::Io`] if reading fails, and [`Unreadable::Damaged`] if the description is incomplete or
    /// invalid.
    pub fn read(mut component: impl Read) -> Result<Option<Self>, Unreadable> {
        let mut start = [0; 9];
        match component.read_exact(&mut start) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if start[..8] != *HEADER || start[8] != 0 {
            return Ok(None);
        }
        let size = number(&mut component)?;
        let name = number(&mut component)?;
        if name as usize != SECTION.len() {
            return Ok(None);
        }
        let mut found = [0; SECTION.len()];
        component.read_exact(&mut found)?;
        if found != *SECTION.as_bytes() {
            return Ok(None);
        }
        // The length of the name takes one byte.
        let size = size
            .checked_sub(1 + name)
            .filter(|size| *size <= MOST_SECTION_BYTES);
        let size =
            size.ok_or_else(|| Unreadable::Damaged("its description is too large".to_owned()))?;
        let mut text = Vec::new();
        component.take(size.into()).read_to_end(&mut text)?;
        if text.len() != size as usize {
            return Err(Unreadable::Damaged("its description is cut off".to_owned()));
        }
        let description = serde_json::from_slice(&text)
            .map_err(|error| Unreadable::Damaged(format!("its description is invalid: {error}")))?;
        Ok(Some(description))
    }

    /// Checks that `component`, whose description this is, has the contents that were written.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable::Damaged`] if the contents have changed.
    pub fn verify(&self, component: &[u8]) -> Result<(), Unreadable> {
        let content = content_of(component).map(sha256);
        match content.is_some_and(|content| content == self.content) {
            true => Ok(()),
            false => Err(Unreadable::Damaged("its content has changed".to_owned())),
        }
    }

    /// Returns `component` with this description in front, and the description with the hash of the contents.
    ///
    /// # Errors
    ///
    /// Returns an error if `component` is not a component, or the description is too large.
    #[cfg(feature = "build")]
    pub(crate) fn attach(mut self, component: &[u8]) -> anyhow::Result<(Vec<u8>, Self)> {
        use anyhow::{Context, ensure};
        let content = component.strip_prefix(HEADER).context("not a component")?;
        self.content = sha256(content);
        let text = serde_json::to_vec(&self)?;
        ensure!(
            text.len() <= MOST_SECTION_BYTES as usize,
            "the description of the image is larger than 1 MiB (use fewer packages)"
        );
        let mut whole = Vec::with_capacity(component.len() + text.len() + 64);
        whole.extend(HEADER);
        let section = wasm_encoder::CustomSection {
            name: SECTION.into(),
            data: text.into(),
        };
        wasm_encoder::ComponentSection::append_to_component(&section, &mut whole);
        whole.extend(content);
        Ok((whole, self))
    }
}

/// Returns the part of a component behind its description.
fn content_of(component: &[u8]) -> Option<&[u8]> {
    let mut rest = component.strip_prefix(HEADER)?.strip_prefix(&[0])?;
    let size = number(&mut rest).ok()?;
    rest.get(size as usize..)
}

/// Returns the SHA-256 of `bytes` in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a number in LEB128.
fn number(from: &mut impl Read) -> Result<u32, Unreadable> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return u32::try_from(value)
                .map_err(|_| Unreadable::Damaged("it has an invalid number".to_owned()));
        }
    }
    Err(Unreadable::Damaged("it has an invalid number".to_owned()))
}

#[cfg(feature = "build")]
#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> (Description, Vec<u8>) {
        let description = Description {
            name: "science".to_owned(),
            archipel: "0.1.0".to_owned(),
            python: "3.14".to_owned(),
            packages: vec![Package {
                name: "attrs".to_owned(),
                version: "25.1".to_owned(),
                wheel: "attrs-25.1-py3-none-any.whl".to_owned(),
                sha256: "00".repeat(32),
            }],
            imports: vec!["attr".to_owned()],
            setup: None,
            inputs: "11".repeat(32),
            built: "by hand".to_owned(),
            content: String::new(),
        };
        let component = [&HEADER[..], b"\x00\x05\x01abcd"].concat();
        let (whole, _) = description.clone().attach(&component).unwrap();
        (description, whole)
    }

    #[test]
    fn a_description_is_read_as_it_was_attached() {
        let (description, whole) = described();
        let read = Description::read(&whole[..]).unwrap().unwrap();
        assert_eq!(
            (&read.name, &read.packages),
            (&description.name, &description.packages)
        );
        read.verify(&whole).unwrap();
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&whole)
            .unwrap();
    }

    #[test]
    fn a_changed_byte_or_a_missing_end_is_reported() {
        let (_, mut whole) = described();
        let read = Description::read(&whole[..]).unwrap().unwrap();
        for cut in 9..whole.len() - 8 {
            let outcome = Description::read(&whole[..cut]);
            assert!(
                matches!(outcome, Err(Unreadable::Damaged(_)) | Ok(None)),
                "{cut}: {outcome:?}"
            );
        }
        *whole.last_mut().unwrap() ^= 1;
        assert!(matches!(read.verify(&whole), Err(Unreadable::Damaged(_))));
    }

    #[test]
    fn other_components_have_no_description() {
        for bytes in [
            &HEADER[..],
            b"\0asm\x0d\0\x01\0\x01\x02",
            b"\0asm\x0d\0\x01\0\x00\x05\x01abcd",
            b"",
        ] {
            assert!(Description::read(bytes).unwrap().is_none(), "{bytes:?}");
        }
        let huge = b"\0asm\x0d\0\x01\0\x00\xff\xff\xff\xff\x0f\x0earchipel-image";
        assert!(matches!(
            Description::read(&huge[..]),
            Err(Unreadable::Damaged(_))
        ));
    }
}
