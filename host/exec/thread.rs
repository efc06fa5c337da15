//! Work that blocks for long, on a thread of its own.

use archipel_core::error::{Error, Result};
use tokio::sync::oneshot;

/// Runs `work` on a new thread called `name`, and waits for its result. Dropping the future does not stop the thread.
///
/// # Errors
///
/// Those of `work`. [`Error::Exhausted`] if the system refuses the thread, and [`Error::Internal`] if `work` panics.
pub(crate) async fn on_thread<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // The caller may be gone.
            let _ = sender.send(work());
        })
        .map_err(Error::of_system)?;
    receiver
        .await
        .unwrap_or_else(|gone| Err(Error::Internal(gone.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_panics_of_the_thread_are_returned() {
        let result =
            |work: fn() -> Result<u8>| pollster::block_on(on_thread("archipel-test", work));
        assert!(matches!(result(|| Ok(1)), Ok(1)));
        assert!(matches!(result(|| Err(Error::Killed)), Err(Error::Killed)));
        assert!(matches!(
            result(|| panic!("of the work")),
            Err(Error::Internal(_))
        ));
    }
}
