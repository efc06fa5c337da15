//! The functions that the targets in `fuzz/` call, and the replay of their corpus: any input is refused or
//! processed without a panic.

mod broker;

use crate::encoding::{self, MAX_DEPTH, Refusal};
use crate::policy::Profile;

pub use broker::broker;

/// Decodes a body, whose first byte is the number of handles that travel with it, and encodes it again.
pub fn value(data: &[u8]) {
    let Some((&handles, body)) = data.split_first() else {
        return;
    };
    let handles = usize::from(handles);
    let checked = encoding::check(body, handles, MAX_DEPTH);
    let value = match (encoding::decode(body, handles, MAX_DEPTH), checked) {
        (Ok(value), Ok(_)) => value,
        (Ok(_), Err(_)) => panic!("decode accepted a body that check refused"),
        (Err(decoded), Err(checked)) => {
            assert_eq!(decoded, checked, "different refusals");
            return;
        }
        (Err(Refusal::TooShared { .. } | Refusal::TooManyObjects { .. }), Ok(_)) => return,
        (Err(refusal), Ok(_)) => panic!("decode refused an accepted body: {refusal}"),
    };
    let encoded = encoding::encode(&value).expect("a decoded value can be encoded");
    // The body can declare more handles than it uses.
    let again = encoding::decode(&encoded.body, handles, MAX_DEPTH);
    assert_eq!(again.as_ref(), Ok(&value), "the value changed");
    assert!(!value.to_string().is_empty());
}

/// Parses a policy file, and writes it again.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Profile::from_toml(text) {
        Ok(profile) => {
            if let Ok(written) = profile.to_toml() {
                let again = Profile::from_toml(&written).expect("a written profile can be read");
                assert_eq!(again, profile, "the profile changed");
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "not one line: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn each_corpus_seed_is_processed_without_a_panic() {
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
            assert!(count > 0, "{name} has no seeds");
        }
    }
}
