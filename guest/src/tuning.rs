//! The steps that only make the guest faster. `ARCHIPEL_TUNE=0` leaves them out, so that the guest without them can be
//! tested.

use crate::cached::wants_tuning;
use crate::{direct, heap, immortal};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The module of the guest's library that knows whether to arrange the snapshot.
const SWITCH: &str = "_island/tuning.py";

/// The choice of whether to tune the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tuning {
    On,
    Off,
}

impl Tuning {
    /// Returns `Off` if `ARCHIPEL_TUNE=0` is set.
    pub(crate) fn chosen() -> Tuning {
        match wants_tuning() {
            true => Tuning::On,
            false => Tuning::Off,
        }
    }

    /// Tells the Python modules in `python` whether to arrange the snapshot.
    pub(crate) fn write(self, python: &Path) -> Result<()> {
        match self {
            Tuning::On => Ok(()),
            Tuning::Off => fs::write(python.join(SWITCH), "TUNED = False\n")
                .with_context(|| format!("cannot write {SWITCH}")),
        }
    }

    /// Reduces the number of pages that interpreters write to, and returns a description.
    ///
    /// # Errors
    ///
    /// Returns an error if `module` is damaged.
    pub(crate) fn arrange_memory(self, module: &mut [u8]) -> Result<String> {
        if self == Tuning::Off {
            return Ok("memory not arranged: ARCHIPEL_TUNE is 0".to_owned());
        }
        let objects = immortal::make_immortal(module)?;
        let blocks = heap::take_free_blocks(module).map_or_else(
            |error| format!("free blocks not taken: {error:#}"),
            |bytes| format!("{} KiB of free blocks taken", bytes >> 10),
        );
        Ok(format!("{objects} objects made immortal; {blocks}"))
    }

    /// Makes the optimiser keep the targets of calls that `replace_calls` adapts.
    ///
    /// # Errors
    ///
    /// Returns an error if `module` is damaged.
    pub(crate) fn keep_targets(self, module: &mut Vec<u8>) -> Result<()> {
        match self {
            Tuning::On => direct::keep_targets(module),
            Tuning::Off => Ok(()),
        }
    }

    /// Replaces calls through the table, and returns a description. This runs last: the optimiser would inline the
    /// jumps at their callers. With `adapt`, calls whose target has another type are adapted to it.
    ///
    /// # Errors
    ///
    /// Returns an error if `module` is damaged.
    pub(crate) fn replace_calls(self, module: &mut Vec<u8>, adapt: bool) -> Result<String> {
        if self == Tuning::Off {
            return Ok("calls use the table".to_owned());
        }
        let types = direct::call_directly(module, adapt)?;
        let adapted = if adapt {
            " and are adapted to their targets"
        } else {
            ""
        };
        Ok(format!("calls of {types} types bypass the table{adapted}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untuned_module_is_left_unchanged() {
        let text = r#"(module
            (table 1 1 funcref)
            (elem (i32.const 0) func $callee)
            (func $callee)
            (func (export "run") (call_indirect (i32.const 0))))"#;
        let original = wat::parse_str(text).unwrap();
        for (tuning, changes) in [(Tuning::On, true), (Tuning::Off, false)] {
            let mut module = original.clone();
            tuning.arrange_memory(&mut module).unwrap();
            assert_eq!(module, original, "it has neither objects nor a heap");
            let note = tuning.replace_calls(&mut module, false).unwrap();
            assert_eq!(module != original, changes, "{note}");
        }
    }

    #[test]
    fn an_untuned_snapshot_is_not_arranged() {
        let folder = std::env::temp_dir().join(format!("archipel-tuning-{}", std::process::id()));
        fs::create_dir_all(folder.join("_island")).unwrap();
        let switch = folder.join(SWITCH);
        Tuning::On.write(&folder).unwrap();
        assert!(!switch.exists());
        Tuning::Off.write(&folder).unwrap();
        assert_eq!(fs::read_to_string(&switch).unwrap(), "TUNED = False\n");
        fs::remove_dir_all(&folder).unwrap();
        let python = crate::sources::PYTHON.iter();
        let own = python.filter(|(path, _)| *path == SWITCH);
        assert!(
            own.clone().count() == 1 && own.clone().all(|(_, text)| text.contains("TUNED = True"))
        );
    }
}
