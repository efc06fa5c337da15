//! A function that a thread calls regularly while it waits.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

type Hook = Box<dyn FnMut() -> bool>;

thread_local! {
    static HOOK: Cell<Option<Hook>> = const { Cell::new(None) };
}

/// The pause between two calls of a hook.
const INTERVAL: Duration = Duration::from_millis(50);

/// Calls `work`, and calls `hook` every 50 ms while a blocking call of this library in `work` waits on this thread.
///
/// A host with an event loop of its own, or with signals that only this thread may handle, handles them in `hook`,
/// which can [interrupt](crate::Interpreter::interrupt) or [kill](crate::Interpreter::kill) an interpreter to end the
/// wait. If `hook` returns false, it is not called again. The first call comes after the first pause, so that short
/// calls pay nothing for it. Calls that the hook makes have no hook.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// let interpreter = runtime.interpreter().build()?;
/// let stopped = interpreter.clone();
/// let hook = move || {
///     stopped.kill();
///     false
/// };
/// let result = archipel::with_wait_hook(hook, || interpreter.exec("while True: pass"));
/// assert!(matches!(result, Err(archipel::Error::Killed)));
/// # Ok::<(), archipel::Error>(())
/// ```
pub fn with_wait_hook<R>(hook: impl FnMut() -> bool + 'static, work: impl FnOnce() -> R) -> R {
    /// Restores the hook of the caller, also during a panic.
    struct Restore(Option<Hook>);

    impl Drop for Restore {
        fn drop(&mut self) {
            HOOK.set(self.0.take());
        }
    }

    let _restore = Restore(HOOK.replace(Some(Box::new(hook))));
    work()
}

/// Waits for `future`, calling the hook of this thread in between. The thread must have entered a tokio runtime.
pub(super) async fn watched<F: Future>(future: F) -> F::Output {
    let Some(mut hook) = HOOK.take() else {
        return future.await;
    };
    let mut future = pin!(future);
    loop {
        tokio::select! {
            biased;
            output = &mut future => {
                HOOK.set(Some(hook));
                return output;
            }
            () = tokio::time::sleep(INTERVAL) => {
                if !hook() {
                    return future.await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hook_is_called_until_it_returns_false() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let (mut sender, mut calls) = (Some(sender), 0);
        let previous = HOOK.replace(Some(Box::new(move || {
            calls += 1;
            if calls == 3 {
                let _ = sender.take().unwrap().send(calls);
            }
            calls < 3
        })));
        assert!(previous.is_none());
        assert_eq!(watched(receiver).await, Ok(3));
        assert!(HOOK.take().is_none());
    }

    #[test]
    fn the_hook_of_an_outer_call_returns_afterwards() {
        with_wait_hook(
            || true,
            || {
                with_wait_hook(|| true, || {});
                assert!(HOOK.take().is_some());
            },
        );
        assert!(HOOK.take().is_none());
    }
}
