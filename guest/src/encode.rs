//! Turns the linked core module back into a component of the same world.

use crate::component::INITIALISER;
use crate::interfaces::{IMAGE, Interface, LOCKS};
use anyhow::{Context, Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{Resolve, WorldItem, WorldKey};

/// Encodes `module` as a component with the imports and exports of `original`.
///
/// # Errors
///
/// Returns an error if `original` is not a component, or `module` lacks an item that its world needs.
pub fn encode(module: &[u8], original: &[u8]) -> Result<Vec<u8>> {
    let decoded = wit_component::decode(original).context("the component has no readable world")?;
    let DecodedWasm::Component(mut resolve, world) = decoded else {
        bail!("expected a component, found a WIT package");
    };
    let initialiser = INITIALISER.trim_end_matches('#');
    resolve.worlds[world]
        .exports
        .retain(|key, _| *key != WorldKey::Name(initialiser.to_owned()));
    if exports_image(module)? {
        let (key, item) = add(&mut resolve, &IMAGE)?;
        resolve.worlds[world].exports.insert(key, item);
    }
    if imports_locks(module)? {
        let (key, item) = add(&mut resolve, &LOCKS)?;
        resolve.worlds[world].imports.insert(key, item);
    }
    let mut module = module.to_vec();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .module(&module)?
        .validate(true)
        .encode()
        .context("cannot encode the linked module as a component")
}

/// Returns whether `module` exports the functions of `image.wit`.
fn exports_image(module: &[u8]) -> Result<bool> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::ExportSection(section) = payload? {
            for export in section {
                let function = export?.name.strip_prefix(IMAGE.full_name);
                if function.is_some_and(|function| function.starts_with('#')) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Returns whether `module` imports the functions of `locks.wit`.
fn imports_locks(module: &[u8]) -> Result<bool> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                if import?.module == LOCKS.full_name {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Adds an interface to `resolve`, and returns it as an item of a world.
fn add(resolve: &mut Resolve, interface: &Interface) -> Result<(WorldKey, WorldItem)> {
    let name = interface.name;
    let package = resolve.push_str(format!("{name}.wit"), interface.wit)?;
    let id = *resolve.packages[package]
        .interfaces
        .get(name)
        .with_context(|| format!("{name}.wit lacks the interface"))?;
    let item = WorldItem::Interface {
        id,
        stability: Default::default(),
        docs: Default::default(),
        span: Default::default(),
        external_id: None,
    };
    Ok((WorldKey::Interface(id), item))
}
