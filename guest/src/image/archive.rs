//! Reading zip archives. Every size and position in an archive is checked before it is used.

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;

/// The maximum number of files in an archive.
const MOST_FILES: usize = 50_000;

/// The maximum size of one file, in bytes.
const LARGEST_FILE: u64 = 256 << 20;

/// The maximum size of all files together, in bytes.
const LARGEST: u64 = 1 << 30;

/// The signatures of the end of the central directory, of its entries, and of files.
const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const FILE: &[u8] = b"PK\x03\x04";

/// The lengths of these records without their variable parts.
const END_LENGTH: usize = 22;
const ENTRY_LENGTH: usize = 46;
const FILE_LENGTH: usize = 30;

/// The type of a file in Unix's mode.
const TYPE: u32 = 0o170_000;

/// The compression methods: none and deflate.
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// A file in an archive.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its path: relative, without `..`, separated by `/`.
    pub(super) path: String,
    method: u16,
    crc: u32,
    packed: usize,
    size: u64,
    offset: usize,
}

/// An archive in memory.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    pub(super) entries: Vec<Entry>,
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    Ok(u16::from_le_bytes(*field.context("it is cut off")?))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    Ok(u32::from_le_bytes(*field.context("it is cut off")?))
}

fn size_at(bytes: &[u8], at: usize) -> Result<usize> {
    Ok(usize::try_from(u32_at(bytes, at)?)?)
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive, and checks all paths and sizes in it.
    ///
    /// # Errors
    ///
    /// Returns an error if the archive is damaged, or has a path that leaves the folder, a link, or more or larger
    /// files than allowed.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let end = bytes
            .windows(END.len())
            .rposition(|window| window == END)
            .context("it is not a zip archive")?;
        let end = &bytes[end..];
        ensure!(end.len() >= END_LENGTH, "it is cut off");
        let count = usize::from(u16_at(end, 10)?);
        ensure!(
            count < usize::from(u16::MAX) && count <= MOST_FILES,
            "it has more than {MOST_FILES} files"
        );
        let mut rest = bytes
            .get(size_at(end, 16)?..)
            .context("its directory is missing")?;
        let mut archive = Archive {
            bytes,
            entries: Vec::new(),
        };
        let (mut total, mut seen) = (0, BTreeSet::new());
        for _ in 0..count {
            ensure!(rest.starts_with(ENTRY), "its directory is damaged");
            let name = usize::from(u16_at(rest, 28)?);
            let extra = usize::from(u16_at(rest, 30)?) + usize::from(u16_at(rest, 32)?);
            let path = rest
                .get(ENTRY_LENGTH..ENTRY_LENGTH + name)
                .context("its directory is cut off")?;
            let path = std::str::from_utf8(path).context("a path is not UTF-8")?;
            let kind = u32_at(rest, 38)? >> 16 & TYPE;
            ensure!(
                matches!(kind, 0 | 0o100_000 | 0o040_000),
                "{path:?} is a link or a device"
            );
            ensure!(u16_at(rest, 8)? & 1 == 0, "{path:?} is encrypted");
            let entry = Entry {
                path: path.to_owned(),
                method: u16_at(rest, 10)?,
                crc: u32_at(rest, 16)?,
                packed: size_at(rest, 20)?,
                size: u32_at(rest, 24)?.into(),
                offset: size_at(rest, 42)?,
            };
            rest = rest.get(ENTRY_LENGTH + name + extra..).unwrap_or_default();
            if path.ends_with('/') {
                check_path(path.trim_end_matches('/'))?;
                continue;
            }
            check_path(path)?;
            ensure!(
                entry.size <= LARGEST_FILE,
                "{path:?} has {} MiB, and a file may have {}",
                entry.size >> 20,
                LARGEST_FILE >> 20
            );
            total += entry.size;
            ensure!(
                total <= LARGEST,
                "its files have more than {} MiB",
                LARGEST >> 20
            );
            ensure!(
                seen.insert(entry.path.clone()),
                "it contains {path:?} twice"
            );
            archive.entries.push(entry);
        }
        Ok(archive)
    }

    /// Returns the contents of a file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is damaged, or longer than the directory says.
    pub(super) fn contents(&self, entry: &Entry) -> Result<Vec<u8>> {
        let path = &entry.path;
        let file = self.bytes.get(entry.offset..).unwrap_or_default();
        ensure!(file.starts_with(FILE), "{path:?} is missing");
        let start = FILE_LENGTH + usize::from(u16_at(file, 26)?) + usize::from(u16_at(file, 28)?);
        let packed = start
            .checked_add(entry.packed)
            .and_then(|end| file.get(start..end))
            .with_context(|| format!("{path:?} is cut off"))?;
        let size = usize::try_from(entry.size)?;
        let contents = match entry.method {
            STORED => packed.to_vec(),
            DEFLATED => miniz_oxide::inflate::decompress_to_vec_with_limit(packed, size)
                .map_err(|_| anyhow::anyhow!("{path:?} is damaged, or larger than it says"))?,
            other => bail!("{path:?} is compressed by the unknown method {other}"),
        };
        ensure!(
            contents.len() == size && crc32fast::hash(&contents) == entry.crc,
            "{path:?} is damaged"
        );
        Ok(contents)
    }
}

/// Checks that a path stays within the folder, on any system.
fn check_path(path: &str) -> Result<()> {
    let safe = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.ends_with(['.', ' '])
            && !part.contains(|c: char| c.is_control() || matches!(c, '\\' | ':'))
    };
    ensure!(
        path.len() <= 1024 && path.split('/').all(safe),
        "the path {path:?} is not allowed"
    );
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns an archive of stored files, with the modes given.
    pub(in crate::image) fn zip(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (path, contents, mode) in files {
            let size = u32::try_from(contents.len()).unwrap().to_le_bytes();
            let name = u16::try_from(path.len()).unwrap().to_le_bytes();
            let crc = crc32fast::hash(contents).to_le_bytes();
            let offset = u32::try_from(bytes.len()).unwrap().to_le_bytes();
            let shared = [
                &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                &crc[..],
                &size,
                &size,
                &name,
                &[0; 2],
            ];
            let shared = shared.concat();
            bytes.extend([FILE, &shared, path.as_bytes(), contents].concat());
            directory.extend([ENTRY, &[20, 3], &shared, &[0; 6]].concat());
            directory.extend((mode << 16).to_le_bytes());
            directory.extend([&offset, path.as_bytes()].concat());
        }
        let count = u16::try_from(files.len()).unwrap().to_le_bytes();
        let start = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let length = u32::try_from(directory.len()).unwrap().to_le_bytes();
        bytes.extend(&directory);
        bytes.extend([END, &[0; 4], &count, &count, &length, &start, &[0; 2]].concat());
        bytes
    }

    #[test]
    fn files_are_read_and_damage_is_noticed() {
        let mut bytes = zip(&[("a/b.py", b"x = 1", 0o100_644), ("a/", b"", 0o040_755)]);
        let archive = Archive::read(&bytes).unwrap();
        let paths: Vec<_> = archive.entries.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["a/b.py"]);
        assert_eq!(archive.contents(&archive.entries[0]).unwrap(), b"x = 1");
        let at = bytes.windows(5).position(|w| w == b"x = 1").unwrap();
        bytes[at] = b'y';
        let archive = Archive::read(&bytes).unwrap();
        assert!(archive.contents(&archive.entries[0]).is_err());
    }

    #[test]
    fn hostile_entries_are_refused_by_name() {
        for (path, mode, why) in [
            ("../evil.py", 0, "not allowed"),
            ("a/../../evil.py", 0, "not allowed"),
            ("/etc/passwd", 0, "not allowed"),
            ("a\\evil.py", 0, "not allowed"),
            ("c:evil.py", 0, "not allowed"),
            ("a//b.py", 0, "not allowed"),
            ("link.py", 0o120_777, "is a link or a device"),
            ("pipe", 0o010_644, "is a link or a device"),
        ] {
            let error = Archive::read(&zip(&[(path, b"", mode)])).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(why) && text.contains(&format!("{path:?}")),
                "{text}"
            );
        }
        let twice = zip(&[("a.py", b"1", 0), ("a.py", b"2", 0)]);
        assert!(
            Archive::read(&twice)
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
    }

    #[test]
    fn a_file_that_is_larger_than_it_says_or_than_allowed_is_refused() {
        let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 1 << 20], 9);
        let mut bytes = zip(&[("a.py", &bomb, 0)]);
        let directory = bytes.windows(4).position(|w| w == ENTRY).unwrap();
        bytes[directory + 10] = 8;
        let archive = Archive::read(&bytes).unwrap();
        let error = archive.contents(&archive.entries[0]).unwrap_err();
        assert!(error.to_string().contains("larger than it says"), "{error}");
        bytes[directory + 27] = 0x20;
        assert!(
            Archive::read(&bytes)
                .unwrap_err()
                .to_string()
                .contains("512 MiB")
        );
    }

    #[test]
    fn every_prefix_and_every_changed_byte_is_handled() {
        let bytes = zip(&[("a.py", b"x = 1", 0), ("b.py", b"y = 2", 0)]);
        for at in 0..bytes.len() {
            assert!(Archive::read(&bytes[..at]).is_err());
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            if let Ok(archive) = Archive::read(&changed) {
                for entry in &archive.entries {
                    let _ = archive.contents(entry);
                }
            }
        }
    }
}
