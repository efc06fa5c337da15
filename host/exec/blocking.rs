//! Blocking calls of guests, such as file operations, on the blocking pool.
//!
//! A file system can be slow or hang, so no worker ever waits for one. A blocking call runs on a
//! thread of tokio's blocking pool. Its guest waits for it as for any event, and stopping the guest
//! does not wait for the call. The CPU time of the call is charged to the guest.

use super::meter::run_charged;
use super::yield_once;
use archipel_core::error::LimitKind;
use archipel_core::ledger::Account;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// The minimum number of concurrent blocking calls of a family.
const FEWEST_PERMITS: usize = 4;

/// The permits of a family for blocking calls.
///
/// Further calls of a family wait for a permit. So a file system that hangs blocks only its users,
/// and a family that lists large directories gets no more than its share of the processors.
#[derive(Clone)]
pub(crate) struct Blocking {
    room: Arc<Semaphore>,
}

impl Blocking {
    pub(crate) fn new() -> Self {
        Blocking {
            room: Arc::new(Semaphore::new(at_a_time())),
        }
    }

    /// Runs `work` on the blocking pool and charges its CPU time to `account`. Dropping the future
    /// does not cancel the work. A guest whose CPU limit the work exceeds yields before it
    /// continues.
    ///
    /// Returns `None` if the work panics or the runtime is closed.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        account: &Arc<Account>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let room = self.room.clone();
        let place = match room.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => room.acquire_owned().await.ok()?,
        };
        let of_work = account.clone();
        let work = tokio::task::spawn_blocking(move || {
            // The work keeps its permit until it is done, even if the future was dropped.
            let _place = place;
            run_charged(&of_work, work)
        });
        let done = work.await.ok();
        if account.passed(LimitKind::Cpu).is_some() {
            yield_once().await;
        }
        done
    }
}

/// Runs `work` on the blocking pool without waiting for it, and charges its CPU time to `account`.
///
/// If the tokio runtime has ended, the work is dropped at once.
pub(crate) fn detach(
    handle: &Handle,
    account: &Arc<Account>,
    work: impl FnOnce() + Send + 'static,
) {
    let account = account.clone();
    handle.spawn_blocking(move || run_charged(&account, work));
}

/// Returns the number of concurrent blocking calls of a family: two for each processor.
fn at_a_time() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let processors = std::thread::available_parallelism();
        processors.map_or(FEWEST_PERMITS, |processors| {
            FEWEST_PERMITS.max(2 * processors.get())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::meter::thread_time;
    use archipel_core::limits::Limits;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};
    use std::time::Duration;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    #[test]
    fn run_charges_the_time_of_its_thread() {
        let account = Account::open(None, &Limits::new());
        let spent = Duration::from_millis(3);
        let busy = move || {
            let start = thread_time().unwrap();
            while thread_time().unwrap() - start < spent {
                std::hint::spin_loop();
            }
            7
        };
        let done = runtime().block_on(Blocking::new().run(&account, busy));
        assert_eq!(done, Some(7));
        let (used, _) = account.used(LimitKind::Cpu);
        assert!(u128::from(used) >= spent.as_nanos());
    }

    #[test]
    fn run_over_the_limit_yields_before_the_guest_goes_on() {
        let limits = Limits::new().cpu(Duration::from_nanos(1));
        let account = Account::open(None, &limits);
        account.note(LimitKind::Cpu, 2);
        let runtime = runtime();
        let _entered = runtime.enter();
        let (sender, receiver) = mpsc::channel();
        let blocking = Blocking::new();
        let mut run = pin!(blocking.run(&account, move || sender.send(()).unwrap()));
        let mut pending = 0;
        while run
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
        {
            pending += 1;
            let _ = receiver.recv();
            std::thread::yield_now();
        }
        assert!(pending > 0);
        assert_eq!(runtime.block_on(async { 1 }), 1);
    }

    #[test]
    fn a_dropped_run_keeps_its_place_until_the_work_is_done() {
        let account = Account::open(None, &Limits::new());
        let runtime = runtime();
        let _entered = runtime.enter();
        let blocking = Blocking::new();
        let free = blocking.room.available_permits();
        let (go_on, waits) = mpsc::channel::<()>();
        {
            let mut run = pin!(blocking.run(&account, move || waits.recv().is_ok()));
            let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        }
        assert_eq!(blocking.room.available_permits(), free - 1);
        drop(go_on);
        let all = blocking.room.acquire_many(u32::try_from(free).unwrap());
        assert!(runtime.block_on(all).is_ok());
    }
}
