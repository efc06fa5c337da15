//! Turns the linked core module back into a component of the same world.

use crate::component::INITIALISER;
use anyhow::{Context, Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::WorldKey;

/// Encodes `module` as a component with the imports and exports of `original`.
///
/// # Errors
///
/// When `original` is not a component, or `module` does not provide what its world needs.
pub fn encode(module: &[u8], original: &[u8]) -> Result<Vec<u8>> {
    let decoded = wit_component::decode(original).context("the component has no readable world")?;
    let DecodedWasm::Component(mut resolve, world) = decoded else {
        bail!("a WIT package was given where a component is needed");
    };
    let initialiser = INITIALISER.trim_end_matches('#');
    resolve.worlds[world]
        .exports
        .retain(|key, _| *key != WorldKey::Name(initialiser.to_owned()));
    let mut module = module.to_vec();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .module(&module)?
        .validate(true)
        .encode()
        .context("the linked module cannot be made a component")
}
