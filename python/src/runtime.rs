//! Runtimes.

use crate::channel::{Receiver, Sender};
use crate::errors;
use crate::guest;
use crate::interpreter::Interpreter;
use crate::on_limit::OnLimit;
use crate::output::{Drainer, Sink};
use crate::process::Own;
use crate::settings::{Pairs, profile, with_pairs};
use crate::waiting::Loops;
use crate::watch::Watch;
use archipel::{Capacity, Image};
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A runtime with the threads that serve it.
#[pyclass(frozen, module = "archipel._archipel")]
pub(crate) struct Runtime {
    runtime: Own<archipel::Runtime>,
    drainer: Drainer,
    loops: Arc<Loops>,
    cache_dir: Option<PathBuf>,
}

/// Opens an image by its path, or by its name in the cache.
fn image(py: Python<'_>, image: Option<PathBuf>, cache: Option<&Path>) -> PyResult<Image> {
    let Some(image) = image else {
        return Ok(Image::standard());
    };
    let opened = py.detach(|| match image.to_str() {
        Some(name) if image.components().count() == 1 && image.extension().is_none() => {
            Image::named(name, cache)
        }
        _ => Image::open(&image),
    });
    opened.map_err(|error| errors::exception(py, &error))
}

#[pymethods]
impl Runtime {
    #[new]
    #[pyo3(signature = (workers, cache_dir, image_path, max_interpreters, prewarmed, prewarmed_images, fuel, progress))]
    #[expect(clippy::too_many_arguments, reason = "the package passes them all")]
    fn new(
        py: Python<'_>,
        workers: Option<usize>,
        cache_dir: Option<PathBuf>,
        image_path: Option<PathBuf>,
        max_interpreters: Option<u32>,
        prewarmed: u32,
        prewarmed_images: Vec<(PathBuf, u32)>,
        fuel: bool,
        progress: Py<PyAny>,
    ) -> PyResult<Self> {
        let mut builder = archipel::Runtime::builder()
            .progress(guest::progress(progress))
            .image(image(py, image_path, cache_dir.as_deref())?)
            .prewarmed(prewarmed)
            .fuel(fuel);
        for (path, count) in prewarmed_images {
            builder = builder.prewarmed_image(image(py, Some(path), cache_dir.as_deref())?, count);
        }
        if let Some(workers) = workers {
            builder = builder.workers(workers);
        }
        if let Some(folder) = &cache_dir {
            builder = builder.cache_dir(folder);
        }
        if let Some(most) = max_interpreters {
            builder = builder.max_interpreters(most);
        }
        let runtime = py
            .detach(|| builder.build())
            .map_err(|error| errors::exception(py, &error))?;
        Ok(Runtime {
            runtime: Own::new(runtime),
            drainer: Drainer::start()?,
            loops: Arc::default(),
            cache_dir,
        })
    }

    /// Creates an interpreter. The outputs are functions of a text, or None.
    #[pyo3(signature = (policy, policy_file, limits, image_path, name, stdout, stderr))]
    #[expect(clippy::too_many_arguments, reason = "the package passes them all")]
    fn create(
        &self,
        py: Python<'_>,
        policy: Option<&str>,
        policy_file: Option<PathBuf>,
        limits: Pairs,
        image_path: Option<PathBuf>,
        name: Option<String>,
        stdout: Option<Py<PyAny>>,
        stderr: Option<Py<PyAny>>,
    ) -> PyResult<Interpreter> {
        let runtime = self.runtime.get(py)?;
        let profile = profile(py, policy, policy_file)?;
        let limits = with_pairs(py, profile.limits, &limits)?;
        let outputs = [stdout, stderr].map(|function| Sink::new(&self.drainer, function));
        let on_limit = Arc::new(OnLimit::default());
        let asked = on_limit.clone();
        let mut builder = runtime
            .interpreter()
            .policy(profile.policy)
            .limits(limits)
            .stdout(outputs[0].output())
            .stderr(outputs[1].output())
            .on_limit(move |reached| asked.ask(reached));
        if let Some(name) = name {
            builder = builder.name(name);
        }
        if image_path.is_some() {
            builder = builder.image(&image(py, image_path, self.cache_dir.as_deref())?);
        }
        let island = py
            .detach(|| builder.build())
            .map_err(|error| errors::exception(py, &error))?;
        Ok(Interpreter::new(
            island,
            outputs,
            on_limit,
            self.loops.clone(),
            Arc::new(Watch::new(runtime.clone())),
        ))
    }

    /// Creates a channel. The capacity None has no bound.
    #[pyo3(signature = (capacity))]
    fn channel(&self, py: Python<'_>, capacity: Option<usize>) -> PyResult<(Sender, Receiver)> {
        let capacity = match capacity {
            None => Capacity::Unbounded,
            Some(0) => Capacity::Rendezvous,
            Some(most) => Capacity::Bounded(most),
        };
        let runtime = self.runtime.get(py)?;
        let (sender, receiver) = runtime
            .channel(capacity)
            .map_err(|error| errors::exception(py, &error))?;
        Ok((
            Sender::new(sender, self.loops.clone()),
            Receiver::new(receiver, self.loops.clone()),
        ))
    }
}
