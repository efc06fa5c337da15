//! Work on what a guest gave that takes long, done beside the workers.
//!
//! Reading a message of 64 MiB takes up to half a second.  On a worker, where the guest runs, nobody could stop it
//! meanwhile, and others would stand in line behind it.

use crate::error::LimitKind;
use crate::ledger::Account;
use crate::meter::thread_time;
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::Result;

/// From how many bytes on it takes long to read a message of many parts; some milliseconds, that is.
pub(crate) const LONG: usize = 512 << 10;

/// Where such work is done: in as many threads at a time as there are workers.
pub(crate) struct Aside {
    room: Arc<Semaphore>,
    /// How often somebody wanted to have something done.
    #[cfg(test)]
    wanted: std::sync::atomic::AtomicUsize,
}

impl Aside {
    pub(crate) fn new(workers: usize) -> Self {
        Aside {
            room: Arc::new(Semaphore::new(workers)),
            #[cfg(test)]
            wanted: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// Does `work`, which takes time of `account`.  Who drops the future does not wait for it.
    ///
    /// # Errors
    ///
    /// When the work panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        account: &Arc<Account>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        #[cfg(test)]
        self.wanted
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = self.room.clone().acquire_owned().await?;
        let account = account.clone();
        let work = tokio::task::spawn_blocking(move || {
            // The place is taken until the work is done, whoever waits for that.
            let _place = place;
            let before = thread_time();
            let done = work();
            if let (Some(before), Some(after)) = (before, thread_time()) {
                let spent = after.saturating_sub(before).as_nanos();
                // If that passes a limit, it is seen when the guest goes on.
                account.note(LimitKind::Cpu, u64::try_from(spent).unwrap_or(u64::MAX));
            }
            done
        });
        Ok(work.await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::limits::Limits;
    use crate::{Capacity, Error, Interpreter, Runtime};
    use std::pin::Pin;
    use std::sync::atomic::Ordering;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn what_it_takes_is_charged() {
        let account = Account::open(None, &Limits::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let aside = Aside::new(1);
        let spent = runtime.block_on(aside.run(&account, || {
            let begun = thread_time().unwrap();
            while thread_time().unwrap() == begun {}
            thread_time().unwrap() - begun
        }));
        let (charged, _) = account.used(LimitKind::Cpu);
        assert!(u128::from(charged) >= spent.unwrap().as_nanos());
        let panicked = runtime.block_on(aside.run(&account, || panic!("of the work")));
        assert!(panicked.is_err());
        assert_eq!(aside.room.available_permits(), 1);
    }

    /// Every way of a long message from a guest to the host: while none of the messages can be looked at, each
    /// guest can be stopped, and the host can do everything else.
    #[test]
    fn who_gives_a_long_message_can_be_stopped_while_it_is_looked_at() {
        const WAYS: [&str; 7] = [
            "out.send(long)",
            "out.send_nowait(long)",
            "archipel.select((out, long), archipel.after(60))",
            "host(long)",
            "safe.hide('ascii'); safe.invoke_hidden('ascii', long)",
            "safe.prepare_main(long=long)",
            "safe.alias('given', lambda: long); safe.exec('given()')",
        ];
        let runtime = Runtime::builder().interpreters(8).build().unwrap();
        let context = &runtime.0;
        let workers = u32::try_from(context.aside.room.available_permits()).unwrap();
        let evaluated = "long";
        for way in WAYS.into_iter().chain([evaluated]) {
            let guest = guest(&runtime);
            let island = guest.island().clone();
            let before = context.aside.wanted.load(Ordering::Relaxed);
            let places = context.aside.room.try_acquire_many(workers).unwrap();
            let job = match way == evaluated {
                true => Job::Eval(way.to_owned()),
                false => Job::Exec(way.to_owned()),
            };
            let mut run = island.start(job).unwrap();
            let mut poll = || Pin::new(&mut run).poll(&mut Context::from_waker(Waker::noop()));
            let _entered = context.workers.enter();
            while context.aside.wanted.load(Ordering::Relaxed) == before {
                let polled = poll();
                assert!(polled.is_pending(), "{way}: {polled:?}");
            }
            guest.kill();
            let polled = poll();
            assert!(
                matches!(polled, Poll::Ready(Err(Error::Killed))),
                "{way}: {polled:?}"
            );
            drop(places);
        }
        assert_eq!(context.aside.room.available_permits(), workers as usize);
        // Where there is room, all of that is done.
        let guest = guest(&runtime);
        for way in WAYS {
            guest
                .exec(format!("{way}\nout_of.recv_nowait(None)"))
                .unwrap();
        }
        assert_eq!(guest.eval("len(long)").unwrap(), 2 * LONG as i64);
        assert!(guest.eval(evaluated).is_ok());
        // What is wrong with one is said as of any other.
        let error = guest.exec("out.send([long, host])").unwrap_err();
        assert!(error.to_string().contains("function"), "{error}");
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
                2 * LONG
            ))
            .unwrap();
        guest
    }
}
