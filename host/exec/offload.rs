//! Offload: long computations for a guest on the blocking pool, charged to the guest.

use super::meter::run_charged;
use archipel_core::error::{Error, Result};
use archipel_core::ledger::Account;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The size in bytes from which decoding a message of many parts takes milliseconds.
pub(crate) const LONG_MESSAGE: usize = 512 << 10;

/// The size in bytes from which work uses the queue for large work.
const LARGE: usize = 4 << 20;

/// The permits for offloaded work. A guest waits for its work, so it has at most one place in a
/// queue.
pub(crate) struct Offload {
    /// One permit for each worker, for work on up to [`LARGE`] bytes, and as many for larger work,
    /// so that large work does not delay the rest.
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Offload {
    pub(crate) fn new(workers: usize) -> Self {
        Offload {
            small: Arc::new(Semaphore::new(workers)),
            large: Arc::new(Semaphore::new(workers)),
        }
    }

    /// Runs `work`, on data of `bytes` bytes, when it has a permit, and charges its CPU time to
    /// `account`. Dropping the future does not cancel the work.
    ///
    /// # Errors
    ///
    /// If the work panics.
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
            // The work keeps its permit until it is done, even if the future was dropped.
            let _place = place;
            work()
        })
        .await
    }

    /// Runs `work`, whose system calls can block, without a permit, and charges its CPU time to
    /// `account`.
    ///
    /// # Errors
    ///
    /// If the work panics.
    pub(crate) async fn system<T: Send + 'static>(
        &self,
        account: &Arc<Account>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let account = account.clone();
        let work = tokio::task::spawn_blocking(move || {
            // If this exceeds a limit, the limit takes effect when the guest continues.
            run_charged(&account, work)
        });
        work.await.map_err(|error| Error::Internal(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::meter::thread_time;
    use archipel_core::error::LimitKind;
    use archipel_core::limits::Limits;
    use std::time::Duration;

    #[test]
    fn run_charges_cpu_time_and_frees_its_permit() {
        let account = Account::open(None, &Limits::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let offload = Offload::new(1);
        let spent = runtime.block_on(offload.run(&account, 1, || {
            let begun = thread_time().unwrap();
            while thread_time().unwrap() == begun {}
            thread_time().unwrap() - begun
        }));
        let (charged, _) = account.used(LimitKind::Cpu);
        assert!(u128::from(charged) >= spent.unwrap().as_nanos());
        let panicked = runtime.block_on(offload.run(&account, 1, || panic!("of the work")));
        assert!(panicked.is_err());
        assert_eq!(offload.small.available_permits(), 1);
    }

    #[test]
    fn large_work_does_not_delay_small_work() {
        let account = Account::open(None, &Limits::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let offload = Offload::new(1);
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let large = offload.run(&account, LARGE + 1, move || wait.recv());
        let done = runtime.block_on(async {
            let small = async {
                let small = offload.run(&account, LARGE, || 1).await;
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
