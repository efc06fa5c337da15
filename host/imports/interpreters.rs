//! The host side of the `interpreters` imports.

use super::LONGEST_REASON;
use super::governing;
use super::refusal::{limited, not_done, refused, too_many};
use super::tasks::not_started;
use crate::exchange::channel_meta::Unbound;
use crate::exchange::message::Message;
use crate::island::bindings::archipel::island::channels as wit_channels;
use crate::island::bindings::archipel::island::interpreters::{
    Host, HostInterpreter, Job, NotRun, Refusal, Settings as ChildSettings, Used,
};
use crate::island::caller::Caller;
use crate::island::context::Context;
use crate::island::from_guest::outgoing;
use crate::island::handles::InterpreterRef;
use crate::island::job;
use crate::island::tasks::Task;
use crate::island::{Island, Settings};
use crate::telemetry;
use archipel_core::error::{Capability, ConfigKind, Error};
use std::sync::Arc;
use wasmtime::Result;
use wasmtime::component::Resource;

impl Host for Caller<'_> {
    async fn create(&mut self, trusted: bool) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        let own = self.own()?;
        let settings = own.settings_of_child(trusted);
        self.create_child(&own, &own.context, settings).await
    }

    async fn create_with(
        &mut self,
        asked: ChildSettings,
    ) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        let own = self.own()?;
        let context = match governing::context(&own, asked.image.as_deref()) {
            Ok(context) => context,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match governing::settings(&own, asked).await {
            Ok(settings) => self.create_child(&own, &context, settings).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn usage(&mut self) -> Result<Vec<Used>> {
        Ok(governing::usage(&self.own()?.account, self.is_frozen))
    }

    fn current(&mut self) -> Result<u64> {
        Ok(self.own()?.id)
    }

    fn get(&mut self, id: u64) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        Ok(match self.named(id) {
            Some(island) => {
                let held = self.refer(island)?;
                if held.is_ok() {
                    self.introduced.note_taken(id);
                }
                held
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

impl HostInterpreter for Caller<'_> {
    fn id(&mut self, interpreter: Resource<InterpreterRef>) -> Result<u64> {
        Ok(self.table.get(&interpreter)?.0.id)
    }

    fn is_running(&mut self, interpreter: Resource<InterpreterRef>) -> Result<bool> {
        Ok(self.table.get(&interpreter)?.0.is_running())
    }

    async fn start(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        job: Job,
    ) -> Result<Result<Resource<Task>, Refusal>> {
        let island = self.table.get(&interpreter)?.0.clone();
        let job = match self.checked(&island, job).await? {
            Ok(job) => job,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (task, running) = match self.task_for(&island)? {
            Ok(task) => task,
            Err(exceeded) => return Ok(Err(limited(exceeded.kind, exceeded.limit))),
        };
        match island.start(job) {
            Ok(work) => {
                self.pass_on(&island)?;
                self.begin(island, &running, work);
                Ok(Ok(task))
            }
            Err(error) => {
                self.let_go(task)?;
                Ok(Err(not_started(&error)))
            }
        }
    }

    async fn run(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        job: Job,
    ) -> Result<Result<Option<wit_channels::Message>, NotRun>> {
        let island = self.table.get(&interpreter)?.0.clone();
        let job = match self.checked(&island, job).await? {
            Ok(job) => job,
            Err(refusal) => return Ok(Err(NotRun::Refused(refusal))),
        };
        match island.start(job) {
            Ok(work) => {
                self.pass_on(&island)?;
                self.run_to_end(island, work).await
            }
            Err(error) => Ok(Err(NotRun::Refused(not_started(&error)))),
        }
    }

    fn watch(&mut self, interpreter: Resource<InterpreterRef>) -> Result<Resource<Task>> {
        let island = self.table.get(&interpreter)?.0.clone();
        self.task_of_idling(&island)
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
        let copy = match original.copy(Some(&own)) {
            Ok(work) => work.await,
            Err(error) => Err(error),
        };
        match copy {
            Ok(copy) => self.refer(copy),
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

    fn alias(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        name: String,
        target: u32,
    ) -> Result<Result<(), Refusal>> {
        self.govern(&interpreter, |own, island| {
            governing::alias(own, island, &name, target)
        })
    }

    fn unalias(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        name: String,
    ) -> Result<Result<bool, Refusal>> {
        self.govern(&interpreter, |_, island| {
            Ok(island.aliases.change(|equipment| equipment.unalias(&name)))
        })
    }

    fn aliases(
        &mut self,
        interpreter: Resource<InterpreterRef>,
    ) -> Result<Result<Vec<String>, Refusal>> {
        self.govern(&interpreter, |_, island| {
            Ok(island.aliases.with(|equipment| equipment.names()))
        })
    }

    fn hide(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        name: String,
    ) -> Result<Result<(), Refusal>> {
        self.govern(&interpreter, |_, island| {
            island.aliases.change(|equipment| equipment.hide(&name))
        })
    }

    fn expose(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        name: String,
    ) -> Result<Result<bool, Refusal>> {
        self.govern(&interpreter, |own, island| {
            if own.aliases.with(|equipment| equipment.hides(&name)) {
                let text = format!("{name} is hidden from the caller too");
                return Err(Error::denied(Capability::Alias, text));
            }
            island.aliases.change(|equipment| equipment.expose(&name))
        })
    }

    fn hidden(
        &mut self,
        interpreter: Resource<InterpreterRef>,
    ) -> Result<Result<Vec<String>, Refusal>> {
        self.govern(&interpreter, |_, island| {
            Ok(island.aliases.with(|equipment| equipment.hidden()))
        })
    }

    fn is_safe(&mut self, interpreter: Resource<InterpreterRef>) -> Result<bool> {
        let island = self.table.get(&interpreter)?.0.clone();
        Ok(!island.trust.get().is_shared_with(&self.trust.get()))
    }

    fn mark_trusted(
        &mut self,
        interpreter: Resource<InterpreterRef>,
    ) -> Result<Result<(), Refusal>> {
        self.govern(&interpreter, |own, island| {
            island.trust.set(own.trust.get());
            Ok(())
        })
    }

    fn set_limits(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        limits: Vec<(String, u64)>,
        on_limit: Option<u32>,
    ) -> Result<Result<(), Refusal>> {
        self.govern(&interpreter, |own, island| {
            governing::set_limits(own, island, &limits, on_limit)
        })
    }

    fn usage(
        &mut self,
        interpreter: Resource<InterpreterRef>,
    ) -> Result<Result<Vec<Used>, Refusal>> {
        let frozen = self.is_frozen;
        self.govern(&interpreter, |_, island| {
            Ok(governing::usage(&island.account, frozen))
        })
    }

    fn cancel(
        &mut self,
        interpreter: Resource<InterpreterRef>,
        message: String,
        unwind: bool,
    ) -> Result<Result<(), Refusal>> {
        self.govern(&interpreter, |_, island| {
            if message.len() > LONGEST_REASON {
                return Err(Error::config(
                    ConfigKind::Message,
                    format!("a cancellation message has at most {LONGEST_REASON} bytes"),
                ));
            }
            match unwind {
                true => island.cancel_unwinding(&message),
                false => island.cancel(&message),
            }
            Ok(())
        })
    }

    fn drop(&mut self, interpreter: Resource<InterpreterRef>) -> Result<()> {
        self.let_go(interpreter)?;
        Ok(())
    }
}

impl Caller<'_> {
    /// Runs `act` on an interpreter, which must be a descendant of the caller.
    fn govern<T>(
        &self,
        interpreter: &Resource<InterpreterRef>,
        act: impl FnOnce(&Arc<Island>, &Arc<Island>) -> crate::Result<T>,
    ) -> Result<Result<T, Refusal>> {
        let own = self.own()?;
        let island = &self.table.get(interpreter)?.0;
        if own.id == island.id || !own.may_name(island) || island.is_gone() {
            return Ok(Err(Refusal::Absent));
        }
        match act(&own, island) {
            Ok(done) => Ok(Ok(done)),
            Err(Error::Denied(denial)) => {
                telemetry::denied(&own.subject, &denial);
                Ok(Err(Refusal::Denied(denial.text)))
            }
            Err(Error::Config(invalid)) => Ok(Err(Refusal::Wrong(invalid.text))),
            Err(Error::Closed) => Ok(Err(Refusal::Closed)),
            Err(error) => Err(wasmtime::Error::new(error)),
        }
    }

    /// Passes a cancellation that is still pending for the caller on to the job that the caller has
    /// just started in a descendant. When the cancellation was requested, nothing ran there.
    fn pass_on(&self, island: &Arc<Island>) -> Result<()> {
        if let Some(cancellation) = self.interrupt.cancellation()
            && self.own()?.may_name(island)
        {
            island.interrupt(cancellation);
        }
        Ok(())
    }

    /// Adds a reference to `island` for the guest, unless it has too many handles.
    fn refer(&mut self, island: Arc<Island>) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        let held = self.hold(InterpreterRef(island))?;
        Ok(held.map_err(|exceeded| limited(exceeded.kind, exceeded.limit)))
    }

    async fn create_child(
        &mut self,
        own: &Arc<Island>,
        context: &Arc<Context>,
        settings: Settings,
    ) -> Result<Result<Resource<InterpreterRef>, Refusal>> {
        if own.settings.policy.parts().children.is_none() {
            telemetry::denied(
                &own.subject,
                "creating an interpreter: the policy grants no children",
            );
            return Ok(Err(too_many(0)));
        }
        match Island::create(context, &own.family, Some(own), settings, None).await {
            Ok(child) => self.refer(child),
            Err(Error::Capacity { limit }) => Ok(Err(too_many(u64::from(limit)))),
            Err(Error::LimitExceeded { kind, limit, .. }) => Ok(Err(limited(kind, limit))),
            Err(error @ (Error::Exhausted(_) | Error::NoMemory(_))) => {
                telemetry::event!(warn, interpreter = own.id, "cannot create a child: {error}");
                Ok(Err(governing::no_room()))
            }
            Err(error) => Err(wasmtime::Error::new(error)),
        }
    }

    /// Checks the job that a guest requests of `island`.
    async fn checked(
        &mut self,
        island: &Arc<Island>,
        job: Job,
    ) -> Result<Result<job::Job, Refusal>> {
        let (message, make): (_, fn(Message) -> job::Job) = match job {
            Job::Exec(source) => return Ok(Ok(job::Job::Exec(source))),
            Job::Bind(message) => (message, job::Job::Bind),
            Job::Call(message) => (message, job::Job::Call),
            Job::InvokeHidden((name, message)) => {
                let own = self.own()?;
                if own.id == island.id || !own.may_name(island) {
                    return Ok(Err(Refusal::Absent));
                }
                // Only data is allowed: the hidden object is in an interpreter whose code is not trusted.
                let message = self.check(message).await?;
                let checked = outgoing(self, message, None, Unbound::Keep)?;
                let job = |message| job::Job::InvokeHidden(name, message);
                return Ok(checked.map(job).map_err(refused));
            }
        };
        let message = self.check(message).await?;
        let checked = outgoing(self, message, Some(&island.trust.get()), Unbound::Keep)?;
        Ok(checked.map(make).map_err(refused))
    }
}
