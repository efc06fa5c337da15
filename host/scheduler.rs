//! The workers: which task runs on which thread.
//!
//! Handing a task to another thread takes longer than most messages between interpreters do to be
//! answered.  So a task that is woken by another one stays on the worker of the one that woke it, which
//! usually is about to wait for it.  Others are called to help when there is more than that to do, and
//! when the last task that was kept so had to wait for long.

use async_task::{FallibleTask, Runnable, ScheduleInfo, WithInfo};
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// A task that was kept on its worker for longer than this should have gone to another one.
const LONG: Duration = Duration::from_micros(50);

/// After so many turns a worker looks first for what came from outside, so that tasks that wake each
/// other cannot keep it out.
const FAIR: u32 = 61;

/// Those in a hurry may keep the others waiting for so long.
const HURRY: Duration = Duration::from_millis(5);

/// Threads that run tasks.  They end when this is dropped, and drop the tasks that are queued.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
}

struct Shared {
    /// Tasks that were woken from outside.
    injected: Mutex<VecDeque<Runnable>>,
    workers: Box<[Worker]>,
    /// The workers that are parked.
    idle: Mutex<Vec<usize>>,
    /// How many those are, to be looked at without the lock.
    idle_count: AtomicUsize,
    stopping: AtomicBool,
}

#[derive(Default)]
struct Worker {
    queue: Mutex<VecDeque<Queued>>,
    /// Tasks that were interrupted while they computed.
    busy: Mutex<VecDeque<Runnable>>,
    thread: OnceLock<Thread>,
    /// Whether the next single task calls for help at once.
    eager: AtomicBool,
}

/// Which of the two lines a task stood in.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    Hurry,
    Busy,
}

struct Queued {
    runnable: Runnable,
    since: Instant,
}

thread_local! {
    /// The scheduler that the thread works for, by address, and its number there.
    static WORKER: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scheduler {
    /// Starts `workers` threads, in which the timers of `timers` are at hand.
    pub(crate) fn start(workers: usize, timers: &Handle) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            injected: Mutex::default(),
            workers: (0..workers).map(|_| Worker::default()).collect(),
            idle: Mutex::default(),
            idle_count: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        // Dropped on an error, it ends the threads that were started.
        let scheduler = Scheduler {
            shared: shared.clone(),
        };
        for number in 0..workers {
            let (shared, timers) = (shared.clone(), timers.clone());
            thread::Builder::new()
                .name(format!("archipel-{number}"))
                .spawn(move || {
                    let _timers = timers.enter();
                    shared.work(number);
                })?;
        }
        Ok(scheduler)
    }

    /// Runs `future` on the workers.  Dropping the task drops the future; awaiting it gives `None`
    /// when the future panicked or the scheduler has ended.
    pub(crate) fn spawn<F>(&self, future: F) -> FallibleTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let shared = self.shared.clone();
        let schedule = move |runnable, info| shared.schedule(runnable, info);
        let (runnable, task) = async_task::spawn(future, WithInfo(schedule));
        runnable.schedule();
        task.fallible()
    }

    /// Whether the caller is one of the workers.
    pub(crate) fn is_worker(&self) -> bool {
        matches!(WORKER.get(), Some((address, _)) if address == self.shared.address())
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for worker in &self.shared.workers {
            if let Some(thread) = worker.thread.get() {
                thread.unpark();
            }
        }
    }
}

impl Shared {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn schedule(&self, runnable: Runnable, info: ScheduleInfo) {
        match WORKER.get() {
            _ if self.stopping.load(Ordering::Relaxed) => drop(runnable),
            Some((address, number)) if address == self.address() && info.woken_while_running => {
                lock(&self.workers[number].busy).push_back(runnable);
                // The worker itself takes it next, if it has nothing else to do.
                let others = lock(&self.workers[number].queue).len();
                if others > 0 || lock(&self.workers[number].busy).len() > 1 {
                    self.call_for_help();
                }
            }
            Some((address, number)) if address == self.address() => {
                let worker = &self.workers[number];
                let queued = {
                    let mut queue = lock(&worker.queue);
                    queue.push_back(Queued {
                        runnable,
                        since: Instant::now(),
                    });
                    queue.len()
                };
                if queued > 1 || worker.eager.load(Ordering::Relaxed) {
                    self.call_for_help();
                }
            }
            _ => {
                lock(&self.injected).push_back(runnable);
                self.call_for_help();
            }
        }
    }

    /// Wakes a parked worker, if there is one.
    fn call_for_help(&self) {
        // A worker that parks says so before it looks for work a last time, and here work is queued
        // before looking for parked workers: one of the two sees the other.
        fence(Ordering::SeqCst);
        if self.idle_count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let number = {
            let mut idle = lock(&self.idle);
            let number = idle.pop();
            self.idle_count.store(idle.len(), Ordering::Relaxed);
            number
        };
        if let Some(thread) = number.and_then(|number| self.workers[number].thread.get()) {
            thread.unpark();
        }
    }

    fn work(&self, me: usize) {
        WORKER.set(Some((self.address(), me)));
        // It is the only one that sets this.
        let _ = self.workers[me].thread.set(thread::current());
        let mut turn = 0_u32;
        let mut busy_until = Instant::now();
        while !self.stopping.load(Ordering::SeqCst) {
            turn = turn.wrapping_add(1);
            let Some((runnable, pace)) = self.next(me, turn, busy_until) else {
                self.park(me);
                continue;
            };
            // A task that panics is done for, and its worker goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| runnable.run()));
            if pace == Pace::Busy {
                busy_until = Instant::now();
            }
        }
        // What is dropped here may wake others, whose tasks are dropped in turn.
        let own = std::mem::take(&mut *lock(&self.workers[me].queue));
        let busy = std::mem::take(&mut *lock(&self.workers[me].busy));
        let injected = std::mem::take(&mut *lock(&self.injected));
        drop((
            own.into_iter()
                .map(|queued| queued.runnable)
                .collect::<Vec<_>>(),
            busy,
            injected,
        ));
    }

    /// The next task for a worker on which the last turn of the busy ones was over at `busy_until`.
    fn next(&self, me: usize, turn: u32, busy_until: Instant) -> Option<(Runnable, Pace)> {
        let worker = &self.workers[me];
        let own = || {
            let queued = lock(&worker.queue).pop_front()?;
            Some((self.take(worker, queued), Pace::Hurry))
        };
        let injected = || Some((lock(&self.injected).pop_front()?, Pace::Hurry));
        let busy = || Some((lock(&worker.busy).pop_front()?, Pace::Busy));
        // Counted from the end of a turn, however long that took on a machine that has more to do: those in a
        // hurry come between any two of them.
        if busy_until.elapsed() > HURRY
            && let Some(found) = busy()
        {
            return Some(found);
        }
        let found = match turn.is_multiple_of(FAIR) {
            true => injected().or_else(own),
            false => own().or_else(injected),
        };
        found.or_else(busy).or_else(|| self.steal(me))
    }

    /// Learns from how long the task was queued with `worker`.
    fn take(&self, worker: &Worker, queued: Queued) -> Runnable {
        let long = queued.since.elapsed() > LONG;
        if worker.eager.load(Ordering::Relaxed) != long {
            worker.eager.store(long, Ordering::Relaxed);
        }
        queued.runnable
    }

    fn steal(&self, me: usize) -> Option<(Runnable, Pace)> {
        let count = self.workers.len();
        (1..count).find_map(|step| {
            let victim = &self.workers[(me + step) % count];
            let queued = lock(&victim.queue).pop_front();
            match queued {
                Some(queued) => Some((self.take(victim, queued), Pace::Hurry)),
                None => Some((lock(&victim.busy).pop_front()?, Pace::Busy)),
            }
        })
    }

    fn park(&self, me: usize) {
        {
            let mut idle = lock(&self.idle);
            idle.push(me);
            self.idle_count.store(idle.len(), Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
        let work = !lock(&self.injected).is_empty()
            || self.workers.iter().any(|worker| {
                let eager = worker.eager.load(Ordering::Relaxed);
                let queued = lock(&worker.queue).len() + lock(&worker.busy).len();
                queued > usize::from(!eager)
            });
        if !work && !self.stopping.load(Ordering::SeqCst) {
            thread::park();
        }
        let mut idle = lock(&self.idle);
        idle.retain(|number| *number != me);
        self.idle_count.store(idle.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn scheduler(workers: usize) -> (tokio::runtime::Runtime, Scheduler) {
        let timers = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let scheduler = Scheduler::start(workers, timers.handle()).unwrap();
        (timers, scheduler)
    }

    #[test]
    fn everything_is_run() {
        let (_timers, scheduler) = scheduler(3);
        let (sender, receiver) = mpsc::channel();
        for n in 0..1000 {
            let sender = sender.clone();
            let task = scheduler.spawn(async move {
                tokio::task::yield_now().await;
                sender.send(n).unwrap();
            });
            task.detach();
        }
        drop(sender);
        let mut all: Vec<i32> = receiver.iter().collect();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_harms_nobody_else() {
        let (_timers, scheduler) = scheduler(1);
        let bad = scheduler.spawn(async { panic!("on purpose") });
        assert_eq!(pollster::block_on(bad), None::<()>);
        assert_eq!(pollster::block_on(scheduler.spawn(async { 1 })), Some(1));
    }

    #[test]
    fn dropping_a_task_drops_its_future() {
        let (_timers, scheduler) = scheduler(1);
        let (sender, receiver) = mpsc::channel::<()>();
        let task = scheduler.spawn(async move {
            std::future::pending::<()>().await;
            drop(sender);
        });
        drop(task);
        assert!(receiver.recv().is_err());
    }

    #[test]
    fn a_busy_task_is_left_to_one_worker() {
        let (_timers, scheduler) = scheduler(2);
        let (sender, receiver) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let busy = {
            let stop = stop.clone();
            scheduler.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    tokio::task::yield_now().await;
                }
            })
        };
        scheduler
            .spawn(async move { sender.send(1).unwrap() })
            .detach();
        assert_eq!(receiver.recv(), Ok(1));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(pollster::block_on(busy), Some(()));
    }

    #[test]
    fn ending_drops_what_waits() {
        let (_timers, scheduler) = scheduler(2);
        let (sender, receiver) = mpsc::channel::<()>();
        let (started, start) = mpsc::channel();
        let task = scheduler.spawn(async move {
            started.send(()).unwrap();
            loop {
                tokio::task::yield_now().await;
                if sender.send(()).is_err() {
                    break;
                }
            }
        });
        start.recv().unwrap();
        drop(scheduler);
        // It ends since the sender is dropped with the task.
        receiver.iter().for_each(drop);
        assert_eq!(pollster::block_on(task), None);
    }
}
