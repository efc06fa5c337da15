//! What the targets in `fuzz/` run, and the replay of their corpus: any input must be refused or done, and
//! nothing may panic.

mod broker;

use crate::encoding::{self, MAX_DEPTH, Refusal};
use crate::policy::Profile;

pub use broker::broker;

/// Reads a body, whose first byte says how many handles travel with it, and writes it again.
pub fn value(data: &[u8]) {
    let Some((&handles, body)) = data.split_first() else {
        return;
    };
    let handles = usize::from(handles);
    let checked = encoding::check(body, handles, MAX_DEPTH);
    let value = match (encoding::decode(body, handles, MAX_DEPTH), checked) {
        (Ok(value), Ok(_)) => value,
        (Ok(_), Err(_)) => panic!("what is decoded was checked"),
        (Err(decoded), Err(checked)) => {
            assert_eq!(decoded, checked, "they refuse for the same reason");
            return;
        }
        (Err(Refusal::TooShared { .. } | Refusal::TooManyObjects { .. }), Ok(_)) => return,
        (Err(refusal), Ok(_)) => panic!("what was checked has a value: {refusal}"),
    };
    let encoded = encoding::encode(&value).expect("what was a message can be one");
    // More handles may be named than are used.
    let again = encoding::decode(&encoded.body, handles, MAX_DEPTH);
    assert_eq!(again.as_ref(), Ok(&value), "it is what it was");
    assert!(!value.to_string().is_empty());
}

/// Reads a policy file, and writes it again.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Profile::from_toml(text) {
        Ok(profile) => {
            if let Ok(written) = profile.to_toml() {
                let again = Profile::from_toml(&written).expect("what was written can be read");
                assert_eq!(again, profile, "it is what it was");
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "it is one line: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_corpus() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let targets = [
            ("broker", broker as fn(&[u8])),
            ("policy", policy),
            ("value", value),
        ];
        for (name, target) in targets {
            let seeds = std::fs::read_dir(folder.join(name)).unwrap();
            let mut count = 0;
            for seed in seeds {
                target(&std::fs::read(seed.unwrap().path()).unwrap());
                count += 1;
            }
            assert!(count > 0, "{name} has seeds");
        }
    }
}
