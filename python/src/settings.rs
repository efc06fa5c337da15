//! Policies, limits and usage in the forms of the package.

use crate::errors;
use archipel::policy::Profile;
use archipel::{LimitKind, Limits, Usage};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// Limits as pairs of a kind and an amount in the unit of the library.
pub(crate) type Pairs = Vec<(String, u64)>;

/// Returns the kinds of limits: name -> units of the library in one of the package.
pub(crate) fn units(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for kind in LimitKind::ALL {
        dict.set_item(kind.name(), errors::unit(*kind))?;
    }
    Ok(dict)
}

/// Sets `pairs` in `limits`.
pub(crate) fn with_pairs(py: Python<'_>, limits: Limits, pairs: &Pairs) -> PyResult<Limits> {
    pairs.iter().try_fold(limits, |limits, (name, amount)| {
        let Some(kind) = LimitKind::named(name) else {
            return Err(errors::new(
                py,
                "ConfigError",
                format!("unknown limit {name:?}"),
            ));
        };
        Ok(limits.with(kind, *amount))
    })
}

/// Reads a policy from text or from a file. An empty policy grants nothing.
pub(crate) fn profile(
    py: Python<'_>,
    text: Option<&str>,
    file: Option<PathBuf>,
) -> PyResult<Profile> {
    let read = match (text, file) {
        (Some(text), _) => Profile::from_toml(text),
        (None, Some(file)) => py.detach(|| Profile::read(file)),
        (None, None) => Ok(Profile::default()),
    };
    read.map_err(|error| errors::exception(py, &error))
}

/// Converts usage to a dict: kind -> (own, subtree, limit).
pub(crate) fn usage<'py>(py: Python<'py>, usage: &Usage) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (kind, used) in usage.iter() {
        let limit = used
            .limit
            .map(|limit| errors::amount(py, kind, limit))
            .transpose()?;
        let own = errors::amount(py, kind, used.own)?;
        let subtree = errors::amount(py, kind, used.subtree)?;
        dict.set_item(kind.name(), (own, subtree, limit))?;
    }
    Ok(dict)
}
