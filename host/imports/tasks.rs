//! Tasks: jobs that one interpreter started in another, and their results.

use super::answer;
use crate::exchange::kept::KeptAccounts;
use crate::exec::run::Run;
use crate::island::Island;
use crate::island::bindings::archipel::island::channels as wit_channels;
use crate::island::bindings::archipel::island::interpreters::{
    Failure, HostInterpreter, HostTask, LimitReached, NotRun, Refusal,
};
use crate::island::caller::Caller;
use crate::island::job::Reply;
use crate::island::not_sent::text;
use crate::island::state::State;
use crate::island::tasks::{Ended, Running, Task};
use crate::island::to_guest::deliver;
use archipel_core::broker::{Case, Outcome};
use archipel_core::error::{Error, LimitKind};
use archipel_core::ledger::Exceeded;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::Poll;
use wasmtime::Result;
use wasmtime::component::{Linker, Resource};

/// The future that runs a job to its end.
type JobFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Completes the task as soon as the job is stopped, which is earlier than its future can.
fn watch(running: &Arc<Running>, job: &Run<Reply>) {
    let running = running.clone();
    job.when_stopped(move |error| running.keep(Ended::small(error)));
}

/// A task, and the promise that completes it.
type Begun = (Resource<Task>, Arc<Running>);

impl Caller<'_> {
    /// Creates a task that completes, without a result, when `island` is idle.
    pub(super) fn task_of_idling(&mut self, island: &Island) -> Result<Resource<Task>> {
        let running = Running::new(&self.shared.exchange, island.party)?;
        let task = self.must_hold(Task(running.clone()))?;
        let watcher: Weak<Running> = Arc::downgrade(&running);
        island.when_idle(watcher);
        Ok(task)
    }

    /// Creates a task for a job that is about to start in `island`, unless the guest has too many
    /// handles.
    pub(super) fn task_for(
        &mut self,
        island: &Island,
    ) -> Result<std::result::Result<Begun, Exceeded>> {
        let running = Running::new(&self.shared.exchange, island.party)?;
        Ok(self
            .hold(Task(running.clone()))?
            .map(|task| (task, running)))
    }

    /// Spawns a job, which completes `running`.
    pub(super) fn begin(&mut self, island: Arc<Island>, running: &Arc<Running>, job: Run<Reply>) {
        let running = running.clone();
        watch(&running, &job);
        self.shared
            .workers
            .spawn(to_end(
                island,
                job,
                running,
                KeptAccounts::of(&self.account, &self.shared.kept),
            ))
            .detach();
    }

    /// Runs a job to its end while the caller waits.
    pub(super) async fn run_to_end(
        &mut self,
        island: Arc<Island>,
        job: Run<Reply>,
    ) -> Result<Result<Option<wit_channels::Message>, NotRun>> {
        let running = Running::new(&self.shared.exchange, island.party)?;
        watch(&running, &job);
        let exchange = self.shared.exchange.clone();
        let wait = exchange.wait(self.party, vec![Case::Event(running.event())], None);
        let own = self.island.upgrade();
        // A stop of the caller stops its descendants too. So caller and job can share one task of
        // the scheduler, which saves waking another one.
        let together = own.is_some_and(|own| own.may_name(&island));
        let mut work: Option<JobFuture> = Some(Box::pin(to_end(
            island,
            job,
            running.clone(),
            KeptAccounts::of_all(&self.shared.kept),
        )));
        if !together && let Some(work) = work.take() {
            self.shared.workers.spawn(work).detach();
        }
        let done = tokio::select! {
            biased;
            done = wait_beside(wait, &mut work) => Some(done),
            () = self.interrupt.requested() => None,
        };
        if let Some(work) = work {
            self.shared.workers.spawn(work).detach();
        }
        let Some(done) = done else {
            let task = self.must_hold(Task(running))?;
            return Ok(Err(NotRun::Interrupted(task)));
        };
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
            Some(Ok(Reply::Exit(status))) => Err(Failure::Died(Error::exited(status).to_string())),
            Some(Err(Error::NotShareable(why))) => Err(Failure::NotShareable(why.text)),
            Some(Err(Error::Raised(raised))) => Err(Failure::Raised((*raised).into())),
            Some(Err(Error::LimitExceeded { kind, limit, used })) => {
                Err(Failure::Limited(LimitReached {
                    kind: kind.name().to_owned(),
                    limit,
                    used: match kind {
                        // The exact time used would reveal the time to a caller with a frozen
                        // clock.
                        LimitKind::Cpu | LimitKind::Wall if self.is_frozen => limit,
                        _ => used,
                    },
                }))
            }
            Some(Err(Error::Cancelled(message))) => Err(Failure::Cancelled(message)),
            Some(Err(error)) => Err(Failure::Died(error.to_string())),
        })
    }
}

/// Adds the functions that return results to `linker`. They replace those of the bindings, which
/// cannot report that a result has no room.
pub(super) fn add_results(linker: &mut Linker<State>) -> Result<()> {
    let mut interpreters = linker.instance("archipel:island/interpreters@0.1.0")?;
    interpreters.func_wrap_async("[method]task.finish", |mut store, (task,)| {
        Box::new(async move {
            let result = HostTask::finish(&mut store.data_mut().caller(), task).await?;
            Ok((answer(&store.data().ports, result, Err(Failure::NoMemory)).await,))
        })
    })?;
    interpreters.func_wrap_async(
        "[method]interpreter.run",
        |mut store, (interpreter, job)| {
            Box::new(async move {
                let result =
                    HostInterpreter::run(&mut store.data_mut().caller(), interpreter, job).await?;
                let instead = Err(NotRun::Failed(Failure::NoMemory));
                Ok((answer(&store.data().ports, result, instead).await,))
            })
        },
    )
}

/// Runs a job to its end. The reference keeps the interpreter alive for that time.
async fn to_end(
    _island: Arc<Island>,
    job: Run<Reply>,
    running: Arc<Running>,
    accounts: KeptAccounts,
) {
    running.keep(Ended::large(job.await, &accounts));
}

/// Awaits `wait` while polling `work`, which stays unfinished if `wait` ends first.
async fn wait_beside<T>(wait: impl Future<Output = T>, work: &mut Option<JobFuture>) -> T {
    let mut wait = pin!(wait);
    std::future::poll_fn(|context| {
        // The deadlock search must know of the wait before the work starts.
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

/// Translates the error of a job that did not start.
pub(super) fn not_started(error: &Error) -> Refusal {
    match error {
        Error::Running => Refusal::Running,
        _ => Refusal::Closed,
    }
}

impl HostTask for Caller<'_> {
    async fn finish(
        &mut self,
        task: Resource<Task>,
    ) -> Result<Result<Option<wit_channels::Message>, Failure>> {
        let running = self.table.get(&task)?.0.clone();
        self.result_of(&running)
    }

    fn drop(&mut self, task: Resource<Task>) -> Result<()> {
        self.let_go(task)?;
        Ok(())
    }
}
