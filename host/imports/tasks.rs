//! Jobs that one interpreter gave to another, and their results.

use super::arrival::Fits;
use super::keeping::{Keeper, Kept};
use super::message::{deliver, text};
use crate::bindings::archipel::island::channels as wit_channels;
use crate::bindings::archipel::island::interpreters::{
    Failure, HostInterpreter, HostTask, LimitReached, NotRun, Refusal,
};
use crate::island::{Island, Run, Watcher};
use crate::job::{Reply, exited};
use crate::promise::Promise;
use crate::state::State;
use archipel_core::broker::{Case, EventId, Outcome, Parcel};
use archipel_core::error::{Error, LimitKind};
use archipel_core::ledger::Exceeded;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::Poll;
use wasmtime::Result;
use wasmtime::component::{Linker, Resource};

/// A job on its way, or its result.
pub struct Task(Arc<Running>);

/// What runs a job to its end.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) type Running = Promise<Ended>;

/// The result of a job, until somebody takes it.
pub(super) struct Ended {
    result: crate::Result<Reply>,
    _kept: Option<Kept>,
}

impl Ended {
    /// What takes no room to speak of.
    fn small(result: crate::Result<Reply>) -> Self {
        Ended {
            result,
            _kept: None,
        }
    }

    /// A result of any size, or that there is no room for it.
    fn large(result: crate::Result<Reply>, keeper: &Keeper) -> Self {
        let size = match &result {
            Ok(Reply::Value(message)) => message.size(),
            Err(Error::Raised(raised)) => raised.size(),
            _ => return Ended::small(result),
        };
        match keeper.keep(size) {
            Ok(kept) => Ended {
                result,
                _kept: Some(kept),
            },
            Err(exceeded) => Ended::small(Err(Error::NotShareable(format!(
                "there is no room for the result among those that were not taken: {exceeded}"
            )))),
        }
    }
}

impl Watcher for Running {
    fn idles(&self) {
        self.keep(Ended::small(Ok(Reply::Done)));
    }
}

impl Task {
    /// The event that fires when the job has ended.
    pub(crate) fn event(&self) -> EventId {
        self.0.event()
    }

    /// A task that ended without a result, as a copy has it for one of the original's.
    pub(super) fn lost(state: &State) -> Result<Task> {
        let running = Running::new(&state.context.exchange, state.party)?;
        running.keep(Ended::small(Err(Error::NotCopyable(
            "the result goes to the one that it was copied from".to_owned(),
        ))));
        Ok(Task(running))
    }
}

/// Lets a task learn at once when somebody stops the job, which what runs it may do only later.
fn watch(running: &Arc<Running>, job: &Run<Reply>) {
    let running = running.clone();
    job.when_stopped(move |error| running.keep(Ended::small(error)));
}

/// A task, and what tells it of the end of its job.
type Begun = (Resource<Task>, Arc<Running>);

impl State {
    /// A task without a result, which ends when `island` has nothing to do.
    pub(super) fn task_of_idling(&mut self, island: &Island) -> Result<Resource<Task>> {
        let running = Running::new(&self.context.exchange, island.party)?;
        let task = self.must_hold(Task(running.clone()))?;
        let watcher: Weak<Running> = Arc::downgrade(&running);
        island.when_idle(watcher);
        Ok(task)
    }

    /// A task for a job of `island` that is about to start, unless the guest has too many handles.
    pub(super) fn task_for(
        &mut self,
        island: &Island,
    ) -> Result<std::result::Result<Begun, Exceeded>> {
        let running = Running::new(&self.context.exchange, island.party)?;
        Ok(self
            .hold(Task(running.clone()))?
            .map(|task| (task, running)))
    }

    /// Lets a job run beside the caller, which learns of its end by `running`.
    pub(super) fn begin(&mut self, island: Arc<Island>, running: &Arc<Running>, job: Run<Reply>) {
        let running = running.clone();
        watch(&running, &job);
        self.context
            .workers
            .spawn(to_end(island, job, running, self.keeper()))
            .detach();
    }

    /// Lets a job run while the caller waits for it.
    pub(super) async fn run_to_end(
        &mut self,
        island: Arc<Island>,
        job: Run<Reply>,
    ) -> Result<Result<Option<wit_channels::Message>, NotRun>> {
        let running = Running::new(&self.context.exchange, island.party)?;
        watch(&running, &job);
        let exchange = self.context.exchange.clone();
        let wait = exchange.wait(self.party, vec![Case::Event(running.event())], None);
        let own = self.island.upgrade();
        // Whoever stops the caller stops all below it too, so that both may as well be one task for
        // the scheduler; another one would have to be woken.
        let together = own.is_some_and(|own| own.may_name(&island));
        let mut work: Option<Work> = Some(Box::pin(to_end(
            island,
            job,
            running.clone(),
            self.keeper_of_all(),
        )));
        if !together && let Some(work) = work.take() {
            self.context.workers.spawn(work).detach();
        }
        let done = tokio::select! {
            biased;
            done = wait_beside(wait, &mut work) => Some(done),
            () = self.interrupt.requested() => None,
        };
        if let Some(work) = work {
            self.context.workers.spawn(work).detach();
        }
        let Some(done) = done else {
            let task = self.must_hold(Task(running))?;
            return Ok(Err(NotRun::Interrupted(task)));
        };
        // What has stopped the child may be about to stop the caller too.
        if let Some(own) = self.island.upgrade() {
            own.unless_stopping().await;
        }
        match done.map(|done| done.outcome) {
            Some(Outcome::Deadlock(text)) => Ok(Err(NotRun::Deadlock(text))),
            _ => Ok(self.result_of(&running)?.map_err(NotRun::Failed)),
        }
    }

    fn result_of(
        &mut self,
        running: &Running,
    ) -> Result<Result<Option<wit_channels::Message>, Failure>> {
        Ok(match running.take().map(|ended| ended.result) {
            None => Err(Failure::Pending),
            Some(Ok(Reply::Value(message))) => match deliver(self, message)? {
                Ok(message) => Ok(Some(message)),
                Err(reason) => Err(Failure::NotShareable(text(reason))),
            },
            Some(Ok(Reply::Done | Reply::Served | Reply::Status(_))) => Ok(None),
            Some(Ok(Reply::Exit(status))) => {
                Err(Failure::Died(Error::Died(exited(status)).to_string()))
            }
            Some(Err(Error::NotShareable(what))) => Err(Failure::NotShareable(what)),
            Some(Err(Error::Raised(raised))) => Err(Failure::Raised((*raised).into())),
            Some(Err(Error::LimitExceeded { kind, limit, used })) => {
                Err(Failure::Limited(LimitReached {
                    kind: kind.name().to_owned(),
                    limit,
                    used: match kind {
                        // How much it was is a reading of a clock.
                        LimitKind::Cpu | LimitKind::Wall if self.standing.is_some() => limit,
                        _ => used,
                    },
                }))
            }
            Some(Err(Error::Cancelled(message))) => Err(Failure::Cancelled(message)),
            Some(Err(error)) => Err(Failure::Died(error.to_string())),
        })
    }
}

/// Puts what returns results into `linker`, in place of the bindings' own, which cannot tell of a result without
/// room.
pub(super) fn add_results(linker: &mut Linker<State>) -> Result<()> {
    let mut interpreters = linker.instance("archipel:island/interpreters@0.1.0")?;
    interpreters.func_wrap_async("[method]task.finish", |mut store, (task,)| {
        Box::new(async move {
            let result = HostTask::finish(store.data_mut(), task).await?;
            Ok((Fits::or(result, Err(Failure::NoMemory)),))
        })
    })?;
    interpreters.func_wrap_async(
        "[method]interpreter.run",
        |mut store, (interpreter, job)| {
            Box::new(async move {
                let result = HostInterpreter::run(store.data_mut(), interpreter, job).await?;
                let instead = Err(NotRun::Failed(Failure::NoMemory));
                Ok((Fits::or(result, instead),))
            })
        },
    )
}

/// Runs a job; the reference keeps the interpreter for as long as that takes.
async fn to_end(_island: Arc<Island>, job: Run<Reply>, running: Arc<Running>, keeper: Keeper) {
    running.keep(Ended::large(job.await, &keeper));
}

/// What `wait` waits for, while `work` goes on, which is left as it is when that comes first.
async fn wait_beside<T>(wait: impl Future<Output = T>, work: &mut Option<Work>) -> T {
    let mut wait = pin!(wait);
    std::future::poll_fn(|context| {
        // Whoever looks for deadlocks must know of the wait before the work begins.
        if let Poll::Ready(result) = wait.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        if let Some(under_way) = work
            && under_way.as_mut().poll(context).is_ready()
        {
            *work = None;
            return wait.as_mut().poll(context);
        }
        Poll::Pending
    })
    .await
}

/// What the guest is told of a job that did not start.
pub(super) fn not_started(error: &Error) -> Refusal {
    match error {
        Error::Running => Refusal::Running,
        _ => Refusal::Closed,
    }
}

impl HostTask for State {
    async fn finish(
        &mut self,
        task: Resource<Task>,
    ) -> Result<Result<Option<wit_channels::Message>, Failure>> {
        let running = self.table.get(&task)?.0.clone();
        if let Some(own) = self.island.upgrade() {
            own.unless_stopping().await;
        }
        self.result_of(&running)
    }

    fn drop(&mut self, task: Resource<Task>) -> Result<()> {
        self.let_go(task)?;
        Ok(())
    }
}
