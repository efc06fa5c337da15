//! The imports for interpreters.

use super::message::{NotSent, deliver, outgoing, text};
use crate::bindings::archipel::island::channels as wit_channels;
use crate::bindings::archipel::island::interpreters::{
    Exception, Failure, Host, HostInterpreter, HostTask, Job, Refusal,
};
use crate::broker::EventId;
use crate::error::{Error, Raised};
use crate::exchange::{Exchange, Message, Unbound};
use crate::island::{Island, Settings};
use crate::job::{self, Reply, exited};
use crate::state::State;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::Result;
use wasmtime::component::Resource;

/// A reference to an interpreter in a guest's table.
pub struct InterpreterRef(pub(crate) Arc<Island>);

/// A job on its way, or its result.
pub struct Task(Arc<Running>);

struct Running {
    exchange: Arc<Exchange>,
    event: EventId,
    result: Mutex<Option<crate::Result<Reply>>>,
}

impl Task {
    /// The event that fires when the job has ended.
    pub(crate) fn event(&self) -> EventId {
        self.0.event
    }
}

impl Task {
    /// A task that ended without a result, as a copy has it for one of the original's.
    pub(super) fn lost(state: &State) -> Result<Task> {
        let exchange = state.context.exchange.clone();
        let event = exchange
            .with(|broker, _| broker.create_event(state.party))
            .ok_or_else(|| wasmtime::format_err!("there are too many tasks"))?;
        let running = Running {
            exchange,
            event,
            result: Mutex::new(None),
        };
        running.finish(Err(Error::NotCopyable(
            "the result goes to the one that it was copied from".to_owned(),
        )));
        Ok(Task(Arc::new(running)))
    }
}

impl Running {
    fn finish(&self, result: crate::Result<Reply>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.exchange.with(|broker, effects| {
            broker.fire(self.event, effects);
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.exchange.with(|broker, effects| {
            broker.release_event(self.event, effects);
        });
    }
}

impl State {
    fn own(&self) -> Result<Arc<Island>> {
        self.island
            .upgrade()
            .ok_or_else(|| wasmtime::format_err!("the caller is no more"))
    }
}

impl Host for State {
    async fn create(&mut self, trusted: bool) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        let own = self.own()?;
        let Some(granted) = own.settings.policy.children else {
            return Ok(Err(too_many(0)));
        };
        if own.family.children() >= granted.count as usize {
            return Ok(Err(too_many(granted.count)));
        }
        let child = Island::create(
            &self.context,
            &own.family,
            Some(&own),
            Settings {
                policy: own.policy_of_child(trusted),
                trusted,
                ..own.settings.clone()
            },
        )
        .await;
        match child {
            Ok(child) => Ok(Ok(self.table.push(InterpreterRef(child))?)),
            Err(Error::Capacity { limit }) => Ok(Err(too_many(limit))),
            Err(error) => Err(wasmtime::Error::new(error)),
        }
    }

    fn current(&mut self) -> Result<u64> {
        Ok(self.own()?.id)
    }

    fn get(&mut self, id: u64) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        Ok(match self.named(id) {
            Some(island) => {
                self.taken(id);
                Ok(self.table.push(InterpreterRef(island))?)
            }
            None => Err(Refusal::Absent),
        })
    }

    fn list_all(&mut self) -> Result<Vec<u64>> {
        let own = self.own()?;
        let living = own.family.living();
        let named = living
            .iter()
            .filter(|island| own.may_name(island) && !island.is_gone());
        Ok(named.map(|island| island.id).collect())
    }
}

impl HostInterpreter for State {
    fn id(&mut self, interpreter: Resource<InterpreterRef>) -> Result<u64> {
        Ok(self.table.get(&interpreter)?.0.id)
    }

    fn is_running(&mut self, interpreter: Resource<InterpreterRef>) -> Result<bool> {
        Ok(self.table.get(&interpreter)?.0.is_running())
    }

    fn start(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        job: Job,
    ) -> Result<Result<Resource<Task>, Refusal>> {
        let island = self.table.get(&interpreter)?.0.clone();
        let (message, make): (_, fn(Message) -> job::Job) = match job {
            Job::Exec(source) => return self.begin(island, job::Job::Exec(source)),
            Job::Bind(message) => (message, job::Job::Bind),
            Job::Call(message) => (message, job::Job::Call),
        };
        match outgoing(self, message, Some(&island.trust), Unbound::Keep)? {
            Ok(message) => self.begin(island, make(message)),
            Err(reason) => Ok(Err(refused(reason))),
        }
    }

    fn watch(&mut self, interpreter: Resource<InterpreterRef>) -> Result<Resource<Task>> {
        let island = self.table.get(&interpreter)?.0.clone();
        let running = self.task_of(&island)?;
        let task = self.table.push(Task(running.clone()))?;
        island.when_idle(Box::new(move || running.finish(Ok(Reply::Done))));
        Ok(task)
    }

    fn kill(&mut self, interpreter: Resource<InterpreterRef>) -> Result<()> {
        self.table.get(&interpreter)?.0.kill();
        Ok(())
    }

    fn close(&mut self, interpreter: Resource<InterpreterRef>) -> Result<Result<(), Refusal>> {
        Ok(match self.table.get(&interpreter)?.0.close() {
            Ok(()) => Ok(()),
            Err(Error::Running) => Err(Refusal::Running),
            Err(_) => Err(Refusal::Closed),
        })
    }

    async fn copy(
        &mut self,
        interpreter: Resource<InterpreterRef>,
    ) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        let own = self.own()?;
        let original = self.table.get(&interpreter)?.0.clone();
        let limit = own
            .settings
            .policy
            .children
            .map_or(0, |granted| granted.count);
        if own.family.children() >= limit as usize {
            return Ok(Err(too_many(limit)));
        }
        let copy = match original.copy(Some(&own)) {
            Ok(work) => work.await,
            Err(error) => Err(error),
        };
        match copy {
            Ok(copy) => Ok(Ok(self.table.push(InterpreterRef(copy))?)),
            Err(error) => not_done(error),
        }
    }

    async fn reset(
        &mut self,
        interpreter: Resource<InterpreterRef>,
    ) -> Result<Result<(), Refusal>> {
        let island = self.table.get(&interpreter)?.0.clone();
        let done = match island.reset() {
            Ok(work) => work.await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => Ok(Ok(())),
            Err(error) => not_done(error),
        }
    }

    fn drop(&mut self, interpreter: Resource<InterpreterRef>) -> Result<()> {
        self.table.delete(interpreter)?;
        Ok(())
    }
}

impl State {
    /// A task that only `island` can end.
    fn task_of(&self, island: &Island) -> Result<Arc<Running>> {
        let exchange = self.context.exchange.clone();
        let event = exchange
            .with(|broker, _| broker.create_event(island.party))
            .ok_or_else(|| wasmtime::format_err!("there are too many tasks"))?;
        Ok(Arc::new(Running {
            exchange,
            event,
            result: Mutex::new(None),
        }))
    }

    fn begin(
        &mut self,
        island: Arc<Island>,
        job: job::Job,
    ) -> Result<Result<Resource<Task>, Refusal>> {
        let work = match island.start(job) {
            Ok(work) => work,
            Err(Error::Running) => return Ok(Err(Refusal::Running)),
            Err(_) => return Ok(Err(Refusal::Closed)),
        };
        let running = self.task_of(&island)?;
        let task = self.table.push(Task(running.clone()))?;
        let task_at_work = self.context.workers.spawn(async move {
            // The reference keeps the interpreter for as long as it runs.
            let _island = island;
            running.finish(work.await);
        });
        task_at_work.detach();
        Ok(Ok(task))
    }
}

fn too_many(limit: u32) -> Refusal {
    Refusal::Limit(("interpreters".to_owned(), u64::from(limit)))
}

/// What a guest is told of an interpreter that was not copied or reset.
fn not_done<T>(error: Error) -> Result<Result<T, Refusal>> {
    Ok(Err(match error {
        Error::Running => Refusal::Running,
        Error::Closed => Refusal::Closed,
        Error::Capacity { limit } => too_many(limit),
        error @ (Error::Raised(_)
        | Error::NotCopyable(_)
        | Error::Died(_)
        | Error::Killed
        | Error::LimitExceeded(_)
        | Error::NoMemory(_)) => Refusal::Unfit(error.to_string()),
        error => return Err(wasmtime::Error::new(error)),
    }))
}

fn refused(reason: NotSent) -> Refusal {
    match reason {
        NotSent::Inexact => Refusal::Inexact,
        reason => Refusal::NotShareable(text(reason)),
    }
}

impl HostTask for State {
    fn finish(
        &mut self,
        task: Resource<Task>,
    ) -> Result<Result<Option<wit_channels::Message>, Failure>> {
        let running = &self.table.get(&task)?.0;
        let result = running
            .result
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(match result {
            None => Err(Failure::Pending),
            Some(Ok(Reply::Value(message))) => match deliver(self, message)? {
                Ok(message) => Ok(Some(message)),
                Err(reason) => Err(Failure::NotShareable(text(reason))),
            },
            Some(Ok(Reply::Done | Reply::Status(_))) => Ok(None),
            Some(Ok(Reply::Exit(status))) => {
                Err(Failure::Died(Error::Died(exited(status)).to_string()))
            }
            Some(Err(Error::NotShareable(what))) => Err(Failure::NotShareable(what)),
            Some(Err(Error::Raised(raised))) => Err(Failure::Raised((*raised).into())),
            Some(Err(error)) => Err(Failure::Died(error.to_string())),
        })
    }

    fn drop(&mut self, task: Resource<Task>) -> Result<()> {
        self.table.delete(task)?;
        Ok(())
    }
}

impl From<Raised> for Exception {
    fn from(raised: Raised) -> Self {
        Exception {
            name: raised.name,
            qualified_name: raised.qualified_name,
            module: raised.module,
            message: raised.message,
            traceback: raised.traceback,
        }
    }
}
