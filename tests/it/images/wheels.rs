//! Wheels that tests make: zip archives of stored files, the same bytes each time.

use std::path::Path;

/// A wheel of pure Python, unless `tag` changes that.
#[derive(Clone)]
pub struct Wheel {
    name: &'static str,
    version: &'static str,
    tag: &'static str,
    needs: Vec<&'static str>,
    files: Vec<(String, Vec<u8>)>,
}

impl Wheel {
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Wheel {
            name,
            version,
            tag: "py3-none-any",
            needs: Vec::new(),
            files: Vec::new(),
        }
    }

    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    pub fn needs(mut self, requirement: &'static str) -> Self {
        self.needs.push(requirement);
        self
    }

    pub fn file(mut self, path: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), contents.into()));
        self
    }

    /// Writes the wheel to `folder`, and returns its path.
    pub fn write(mut self, folder: &Path) -> String {
        let (name, version, tag) = (self.name.replace('-', "_"), self.version, self.tag);
        let needs = self.needs.iter();
        let needs: String = needs.map(|n| format!("Requires-Dist: {n}\n")).collect();
        let about = format!("{name}-{version}.dist-info");
        for (file, text) in [
            (
                "METADATA",
                format!(
                    "Metadata-Version: 2.1\nName: {}\nVersion: {version}\n{needs}",
                    self.name
                ),
            ),
            (
                "WHEEL",
                format!(
                    "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
                ),
            ),
            ("RECORD", String::new()),
        ] {
            self.files.push((format!("{about}/{file}"), text.into()));
        }
        let path = folder.join(format!("{name}-{version}-{tag}.whl"));
        std::fs::write(&path, zip(&self.files)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// Returns a zip archive of stored files.
pub fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let word = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let short = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
    for (path, contents) in files {
        let (size, name) = (word(contents.len()), short(path.len()));
        // 1 January 1980, as the format writes it.
        let shared = [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &crc(contents)];
        let shared = [
            shared.concat(),
            [size, size].concat(),
            name.to_vec(),
            vec![0; 2],
        ]
        .concat();
        directory.extend([b"PK\x01\x02", &[20, 3][..], &shared, &[0; 10]].concat());
        directory.extend([&word(bytes.len()), path.as_bytes()].concat());
        bytes.extend([b"PK\x03\x04", &shared[..], path.as_bytes(), contents].concat());
    }
    let (count, start) = (short(files.len()), word(bytes.len()));
    bytes.extend(&directory);
    let end = [
        b"PK\x05\x06",
        &[0; 4][..],
        &count,
        &count,
        &word(directory.len()),
        &start,
        &[0; 2],
    ];
    bytes.extend(end.concat());
    bytes
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    (!crc).to_le_bytes()
}
