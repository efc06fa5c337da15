//! Work for a guest that is done beside the workers, at the cost of the guest's processor time.

use crate::meter::thread_time;
use archipel_core::error::{Error, LimitKind, Result};
use archipel_core::ledger::Account;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// From how many bytes on it takes some milliseconds to read a message of many parts.
pub(crate) const LONG: usize = 512 << 10;

/// From how many bytes on work stands in the line for the largest.
const LARGE: usize = 4 << 20;

/// Threads beside the workers. An interpreter waits for what it gives them, so none has more than one place in a line.
pub(crate) struct Aside {
    /// As many threads as there are workers for work on up to [`LARGE`] bytes, and as many for work on more: the largest
    /// work does not delay the rest.
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Aside {
    pub(crate) fn new(workers: usize) -> Self {
        Aside {
            small: Arc::new(Semaphore::new(workers)),
            large: Arc::new(Semaphore::new(workers)),
        }
    }

    /// Runs `work` on that many bytes when it is its turn, and charges its processor time to `account`. Dropping the
    /// future does not cancel the work.
    ///
    /// # Errors
    ///
    /// When the work panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        account: &Arc<Account>,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let line = if bytes > LARGE {
            &self.large
        } else {
            &self.small
        };
        let place = line.clone().acquire_owned().await;
        let place = place.map_err(|error| Error::Internal(error.into()))?;
        self.system(account, move || {
            // The place is taken until the work is done, whether or not anybody waits for that.
            let _place = place;
            work()
        })
        .await
    }

    /// Runs `work`, which makes system calls that can block, at once, and charges its processor time to `account`.
    ///
    /// # Errors
    ///
    /// When the work panics.
    pub(crate) async fn system<T: Send + 'static>(
        &self,
        account: &Arc<Account>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let account = account.clone();
        let work = tokio::task::spawn_blocking(move || {
            let before = thread_time();
            let done = work();
            if let (Some(before), Some(after)) = (before, thread_time()) {
                let spent = after.saturating_sub(before).as_nanos();
                // If that passes a limit, it is seen when the guest goes on.
                account.note(LimitKind::Cpu, u64::try_from(spent).unwrap_or(u64::MAX));
            }
            done
        });
        work.await.map_err(|error| Error::Internal(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archipel_core::limits::Limits;
    use std::time::Duration;

    #[test]
    fn processor_time_is_charged() {
        let account = Account::open(None, &Limits::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let aside = Aside::new(1);
        let spent = runtime.block_on(aside.run(&account, 1, || {
            let begun = thread_time().unwrap();
            while thread_time().unwrap() == begun {}
            thread_time().unwrap() - begun
        }));
        let (charged, _) = account.used(LimitKind::Cpu);
        assert!(u128::from(charged) >= spent.unwrap().as_nanos());
        let panicked = runtime.block_on(aside.run(&account, 1, || panic!("of the work")));
        assert!(panicked.is_err());
        assert_eq!(aside.small.available_permits(), 1);
    }

    #[test]
    fn large_work_does_not_delay_small_work() {
        let account = Account::open(None, &Limits::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let aside = Aside::new(1);
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let large = aside.run(&account, LARGE + 1, move || wait.recv());
        let done = runtime.block_on(async {
            let small = async {
                let small = aside.run(&account, LARGE, || 1).await;
                drop(end);
                small
            };
            tokio::join!(large, small)
        });
        assert!(done.0.unwrap().is_err());
        assert_eq!(done.1.unwrap(), 1);
        assert!(account.used(LimitKind::Cpu).0 < Duration::from_secs(60).as_nanos() as u64);
    }
}
