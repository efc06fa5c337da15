//! Waits of Python threads and of event loops for jobs in interpreters.

use crate::errors;
use crate::output::Sink;
use crate::process::Own;
use archipel::Interpreter;
use pyo3::prelude::*;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The pause between two checks for signals.
const SLICE: Duration = Duration::from_millis(50);

/// Returns whether this is the main thread, which alone handles signals. It can raise the exception of a signal handler,
/// which runs when Python code does.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}

/// Does `work` without the GIL. If a signal handler raises an exception, such as `KeyboardInterrupt`, the job in
/// `island` is interrupted, and the exception raised when it has ended; a second one kills the interpreter.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    island: &Interpreter,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    let seen = Arc::new(Mutex::new(None));
    let (noted, signalled) = (seen.clone(), island.clone());
    let hook = move || {
        let attached = Python::try_attach(|py| {
            let checked = is_main(py).and_then(|is_main| py.check_signals().map(|()| is_main));
            let error = match checked {
                Ok(is_main) => return is_main,
                Err(error) => error,
            };
            let seen = &mut *noted.lock().unwrap_or_else(PoisonError::into_inner);
            match seen {
                None => signalled.interrupt(),
                Some(_) => signalled.kill(),
            }
            *seen = Some(error);
            true
        });
        attached.unwrap_or(false)
    };
    let result = py.detach(|| archipel::with_wait_hook(hook, work));
    let error = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    match error {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

/// The result of an attempt that can end for lack of time.
pub(crate) enum Attempt<T> {
    Done(T),
    TooLate,
}

/// Repeats `attempt`, which waits for at most the given time, until it succeeds or `timeout` has passed. Between
/// attempts, signal handlers run.
pub(crate) fn in_slices<T: Send>(
    py: Python<'_>,
    timeout: Option<f64>,
    mut attempt: impl FnMut(Duration) -> PyResult<Attempt<T>> + Send,
) -> PyResult<Option<T>> {
    let deadline = match timeout {
        None => None,
        Some(seconds) => {
            let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            Instant::now().checked_add(duration)
        }
    };
    // Only the main thread handles signals, so other threads wait without pauses.
    let slice = match is_main(py)? {
        true => SLICE,
        false => Duration::from_secs(3600),
    };
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let wait = left.map_or(slice, |left| left.min(slice));
        if let Attempt::Done(value) = py.detach(|| attempt(wait))? {
            return Ok(Some(value));
        }
        if left.is_some_and(|left| left <= wait) {
            return Ok(None);
        }
        py.check_signals()?;
    }
}

/// Writes what the outputs have buffered.
pub(crate) fn flush(py: Python<'_>, outputs: &[Arc<Sink>; 2]) -> PyResult<()> {
    if !outputs.iter().any(|output| output.has_text()) {
        return Ok(());
    }
    let errors = py.detach(|| outputs.each_ref().map(|output| output.drain()));
    match errors.into_iter().flatten().next() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// The threads that complete jobs of event loops, started when they are first needed.
#[derive(Default)]
pub(crate) struct Loops(OnceLock<Own<Owned>>);

/// A tokio runtime that is not waited for when it is dropped.
struct Owned(Option<tokio::runtime::Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Loops {
    /// Returns a handle that starts futures.
    pub(crate) fn handle(&self, py: Python<'_>) -> PyResult<tokio::runtime::Handle> {
        if self.0.get().is_none() {
            let made: io::Result<_> = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("archipel-loop")
                .enable_time()
                .build();
            // Another thread can have been faster.
            let _ = self.0.set(Own::new(Owned(Some(made?))));
        }
        let runtime = self.0.get().map(|owned| owned.get(py)).transpose()?;
        match runtime.and_then(|owned| owned.0.as_ref()) {
            Some(runtime) => Ok(runtime.handle().clone()),
            None => Err(errors::new(py, "Error", "the runtime is closed")),
        }
    }
}

/// Passes a result to `done`: `done(value, None)` or `done(None, exception)`.
pub(crate) fn tell(py: Python<'_>, result: PyResult<Bound<'_, PyAny>>, done: Py<PyAny>) {
    let told = match result {
        Ok(value) => done.call1(py, (value, py.None())),
        Err(error) => done.call1(py, (py.None(), error)),
    };
    if let Err(error) = told {
        error.write_unraisable(py, None);
    }
}

/// Starts a future, and [tells](tell) `done` its result, as converted by `convert`, on a thread of the runtime.
pub(crate) fn start<T: Send + 'static>(
    handle: &tokio::runtime::Handle,
    outputs: [Arc<Sink>; 2],
    future: impl Future<Output = archipel::Result<T>> + Send + 'static,
    convert: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
    done: Py<PyAny>,
) {
    handle.spawn(async move {
        let result = future.await;
        tokio::task::block_in_place(|| {
            Python::try_attach(|py| {
                let flushed = flush(py, &outputs);
                let value = result
                    .map_err(|error| errors::exception(py, &error))
                    .and_then(|value| convert(py, value))
                    .and_then(|value| flushed.map(|()| value));
                tell(py, value, done);
            });
        });
    });
}
