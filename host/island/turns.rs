//! Long work for a guest, done in turns in the guest's own task.
//!
//! Between two turns the worker serves other guests, the CPU time is charged to the guest, and
//! limits and stop requests take effect.

use super::not_sent::NotSent;
use archipel_core::encoding::{Carries, Check, MAX_DEPTH, Summary, Travels};
use archipel_core::error::LimitKind;
use archipel_core::ledger::Account;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The maximum length of a turn. Compute-bound guests are preempted at about the same interval.
const TURN: Duration = if cfg!(test) {
    Duration::ZERO
} else {
    Duration::from_millis(3)
};

/// The number of steps of a check between two clock reads: some tenths of a millisecond.
const STEPS: usize = 32 << 10;

/// The clock of a turn.
pub(crate) struct Turns {
    begun: Instant,
}

impl Turns {
    /// Starts the first turn.
    pub(crate) fn begin() -> Self {
        Turns {
            begun: Instant::now(),
        }
    }

    /// Yields if the turn has lasted long enough.
    pub(crate) async fn pass(&mut self) {
        if self.begun.elapsed() >= TURN {
            #[cfg(test)]
            tests::PASSED.set(tests::PASSED.get() + 1);
            tokio::task::yield_now().await;
            self.begun = Instant::now();
        }
    }
}

/// Checks the body of a long message. The memory of the check is charged to `account` while the
/// check lasts.
pub(crate) async fn check(
    body: &[u8],
    ends: Vec<Travels>,
    account: &Arc<Account>,
) -> Result<Summary, NotSent> {
    let mut turns = Turns::begin();
    let mut check = Check::new(Carries::These(ends), MAX_DEPTH);
    let memory = account.reserve(LimitKind::Memory, 0);
    let mut memory = memory.map_err(NotSent::Limit)?;
    loop {
        if let Some(summary) = check.go_on(body, STEPS)? {
            return Ok(summary);
        }
        let more = (check.memory() as u64).saturating_sub(memory.amount());
        memory.grow(more).map_err(NotSent::Limit)?;
        turns.pass().await;
    }
}

#[cfg(test)]
mod tests {
    use crate::exec::offload::LONG_MESSAGE;
    use crate::island::job::Job;
    use crate::{Capacity, Error, Interpreter, LimitKind, Runtime};
    use std::cell::Cell;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    thread_local! {
        /// The number of turns that have ended on this thread.
        pub(super) static PASSED: Cell<usize> = const { Cell::new(0) };
    }

    const WAYS: [&str; 7] = [
        "out.send(long)",
        "out.send_nowait(long)",
        "archipel.select((out, long), archipel.after(60))",
        "host(long)",
        "safe.hide('ascii'); safe.invoke_hidden('ascii', long)",
        "safe.prepare_main(long=long)",
        "safe.alias('given', lambda: long); safe.exec('given()')",
    ];

    /// Covers every path of a long message from a guest to the host: the guest can be stopped
    /// between two turns of the check.
    #[test]
    fn kill_stops_a_guest_whose_long_message_is_being_checked() {
        let runtime = Runtime::builder().max_interpreters(8).build().unwrap();
        let evaluated = "long";
        for way in WAYS.into_iter().chain([evaluated]) {
            let guest = guest(&runtime);
            let island = guest.island().clone();
            let job = match way == evaluated {
                true => Job::Eval(way.to_owned()),
                false => Job::Exec(way.to_owned()),
            };
            let mut run = island.start(job).unwrap();
            let mut poll = || Pin::new(&mut run).poll(&mut Context::from_waker(Waker::noop()));
            let _entered = runtime.0.workers.enter();
            let before = PASSED.get();
            while PASSED.get() == before {
                let polled = poll();
                assert!(polled.is_pending(), "{way}: {polled:?}");
            }
            guest.kill();
            let polled = poll();
            assert!(
                matches!(polled, Poll::Ready(Err(Error::Killed))),
                "{way}: {polled:?}"
            );
        }
        // Without a kill, every path completes.
        let guest = guest(&runtime);
        for way in WAYS {
            guest
                .exec(format!("{way}\nout_of.recv_nowait(None)"))
                .unwrap();
        }
        assert_eq!(
            guest.eval::<i64>("len(long)").unwrap(),
            2 * LONG_MESSAGE as i64
        );
        assert!(guest.eval::<crate::Value>(evaluated).is_ok());
        // An invalid long message has the same error as a short one.
        let error = guest.exec("out.send([long, host])").unwrap_err();
        assert!(error.to_string().contains("function"), "{error}");
        assert_eq!(guest.usage().of(LimitKind::Queued).own, 0);
    }

    fn guest(runtime: &Runtime) -> Interpreter {
        let policy = crate::Policy::new().children(2, 1).unwrap();
        let policy = policy.alias("host", |_| Ok(1.into())).unwrap();
        let guest = runtime.interpreter().policy(policy).build().unwrap();
        let (sender, receiver) = runtime.channel(Capacity::Unbounded).unwrap();
        guest
            .prepare_main([("out", sender.into()), ("out_of", receiver.into())])
            .unwrap();
        guest
            .exec(format!(
                "import archipel, interpreters
                 \nlong = [None] * {}\nsafe = archipel.create()",
                2 * LONG_MESSAGE
            ))
            .unwrap();
        guest
    }
}
