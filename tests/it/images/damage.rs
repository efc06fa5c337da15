//! Tests images that are damaged, foreign, or of another version.

use super::image;
use crate::runtime;
use archipel::{Error, Image};

fn bytes() -> Vec<u8> {
    image();
    let cache = archipel::default_cache_dir().unwrap();
    std::fs::read(archipel_guest::image_path(&cache, super::NAME).unwrap()).unwrap()
}

fn refused(bytes: Vec<u8>) -> String {
    let outcome = Image::from_bytes(bytes).and_then(|image| runtime().load(&image));
    match outcome {
        Err(error @ Error::Guest(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_image_is_refused_before_it_is_compiled() {
    let mut changed = bytes();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let mut cut = bytes();
    cut.truncate(middle);
    for damaged in [changed, cut] {
        let text = refused(damaged);
        assert!(text.contains("a damaged image: the given bytes"), "{text}");
        assert!(
            text.contains("archipel image build") && !text.contains('\n'),
            "{text}"
        );
    }
}

#[test]
fn an_image_of_another_version_is_refused() {
    let mut other = bytes();
    let version = concat!("\"archipel\":\"", env!("CARGO_PKG_VERSION"), "\"");
    let found = other
        .windows(version.len())
        .position(|w| w == version.as_bytes());
    other[found.unwrap() + version.len() - 2] = b'9';
    let text = refused(other);
    assert!(
        text.contains("was built by Archipel 0.1.9, and this is 0.1.0"),
        "{text}"
    );
}

#[test]
fn an_image_is_loaded_from_bytes_and_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.wasm");
    std::fs::write(&file, bytes()).unwrap();
    let opened = Image::open(&file).unwrap();
    for image in [Image::from_bytes(bytes()).unwrap(), opened] {
        let interpreter = runtime().interpreter().image(&image).build().unwrap();
        assert_eq!(interpreter.eval::<i64>("scaled(2)").unwrap(), 6);
    }
}
