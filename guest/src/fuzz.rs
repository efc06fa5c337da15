//! The fuzz target `linker`, and the replay of its corpus: no input makes it panic.

use crate::component::Component;
use crate::direct::call_directly;
use crate::link::{Options, link};
use crate::lists::World;

/// Links a component, and has its calls go past the table; or lowers the exceptions of a module.
pub fn linker(data: &[u8]) {
    let _ = crate::exceptions::lower(data);
    let all = Options {
        copied: true,
        keep_names: true,
    };
    if let (Ok(component), Ok(world)) = (Component::read(data), World::read(data))
        && let Ok((mut module, _)) = link(&component, &world, all)
    {
        let mut adapted = module.clone();
        let _ = call_directly(&mut module, false);
        let _ = call_directly(&mut adapted, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_corpus() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/linker");
        let mut count = 0;
        for seed in std::fs::read_dir(folder).unwrap() {
            linker(&std::fs::read(seed.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "it has seeds");
    }
}
