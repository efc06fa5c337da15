//! The scheduler: which task runs on which worker.
//!
//! A hand-over of a task to another thread takes longer than most messages between interpreters
//! take to be answered. So a task that another task wakes stays on that task's worker, because the
//! other task is usually about to wait for it. The scheduler wakes a further worker if a queue has
//! more than one task, or if the last task of a worker had to wait long.

use crate::lock::lock;
use async_task::{FallibleTask, Runnable, ScheduleInfo, WithInfo};
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// The queueing time after which a task should have moved to another worker.
const LONG_WAIT: Duration = Duration::from_micros(50);

/// The number of turns after which a worker looks at tasks from outside first, so that tasks that
/// wake each other cannot starve them.
const FAIR: u32 = 61;

/// The longest time that latency-sensitive tasks can delay compute-bound ones.
const HURRY: Duration = Duration::from_millis(5);

/// A pool of worker threads. Dropping it ends the threads and drops queued tasks.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
}

struct Shared {
    /// Tasks that were woken outside of the workers.
    injected: Mutex<VecDeque<Runnable>>,
    workers: Box<[Worker]>,
    /// The numbers of the parked workers.
    idle: Mutex<Vec<usize>>,
    /// The length of `idle`, readable without its lock.
    idle_count: AtomicUsize,
    stopping: AtomicBool,
}

#[derive(Default)]
struct Worker {
    queue: Mutex<VecDeque<Queued>>,
    /// Tasks that yielded while they computed.
    busy: Mutex<VecDeque<Runnable>>,
    thread: OnceLock<Thread>,
    /// True if a single queued task already wakes another worker.
    eager: AtomicBool,
}

/// The queue that a task was in: latency-sensitive or compute-bound.
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
    /// The address of the scheduler that the thread works for, and the worker's number.
    static WORKER: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

impl Scheduler {
    /// Starts `workers` threads inside the tokio runtime `timers`.
    pub(crate) fn start(workers: usize, timers: &Handle) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            injected: Mutex::default(),
            workers: (0..workers).map(|_| Worker::default()).collect(),
            idle: Mutex::default(),
            idle_count: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        // If starting a thread fails, dropping this ends the threads that were started.
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

    /// Runs `future` on the workers. Dropping the task drops the future. Awaiting it returns `None`
    /// if the future panicked or the scheduler has ended.
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

    /// Returns whether the calling thread is a worker of this scheduler.
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
                // This worker takes the task next if it has no other.
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
        // A parking worker registers as idle before its last look for work, and this code runs
        // after the work was queued: one of the two threads sees the other.
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
        // No other thread sets this.
        let _ = self.workers[me].thread.set(thread::current());
        let mut turn = 0_u32;
        let mut busy_until = Instant::now();
        while !self.stopping.load(Ordering::SeqCst) {
            turn = turn.wrapping_add(1);
            let Some((runnable, pace)) = self.next(me, turn, busy_until) else {
                self.park(me);
                continue;
            };
            // A panic ends the task, not the worker.
            let _ = catch_unwind(AssertUnwindSafe(|| runnable.run()));
            if pace == Pace::Busy {
                busy_until = Instant::now();
            }
        }
        // Dropping a task can wake others, which are then dropped too.
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

    /// Returns the next task for a worker whose last compute-bound turn ended at `busy_until`.
    fn next(&self, me: usize, turn: u32, busy_until: Instant) -> Option<(Runnable, Pace)> {
        let worker = &self.workers[me];
        let own = || {
            let queued = lock(&worker.queue).pop_front()?;
            Some((self.take(worker, queued), Pace::Hurry))
        };
        let injected = || Some((lock(&self.injected).pop_front()?, Pace::Hurry));
        let busy = || Some((lock(&worker.busy).pop_front()?, Pace::Busy));
        // Counted from the end of a turn, however long it took on a loaded machine, so that
        // latency-sensitive tasks run between any two compute-bound turns.
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

    /// Takes a queued task of `worker`, and adapts to how long it was queued.
    fn take(&self, worker: &Worker, queued: Queued) -> Runnable {
        let long = queued.since.elapsed() > LONG_WAIT;
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
    fn all_tasks_run() {
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
    fn a_panic_ends_its_task_only() {
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
    fn a_compute_bound_task_occupies_one_worker() {
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
    fn dropping_the_scheduler_drops_its_tasks() {
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
        // The loop ends because the sender is dropped with the task.
        receiver.iter().for_each(drop);
        assert_eq!(pollster::block_on(task), None);
    }
}
