//! An island while a job runs in it.

use super::job::{Job, Reply};
use super::{Instance, Island, Phase, execution};
use crate::account::Charge;
use crate::exec::run::Run;
use crate::telemetry;
use archipel_core::error::{Error, Result};
use std::sync::Arc;
use tracing::Instrument;

/// An island that is running a job.
pub(super) struct Entered {
    /// Counts the interpreter as running.
    _running: Charge,
    pub(super) island: Arc<Island>,
    pub(super) instance: Option<Box<Instance>>,
}

impl Entered {
    async fn run(&mut self, job: Job) -> Result<Reply> {
        let Some(instance) = &mut self.instance else {
            return Err(Error::Closed);
        };
        execution::run(&self.island, instance, job).await
    }

    /// Puts the instance back, or destroys it if it is no longer usable.
    pub(super) fn leave(&mut self, result: &Result<Reply>) {
        // After `Job::Serve`, calls that were left would be left again.
        let serves = !matches!(result, Ok(Reply::Served));
        let usable = match result {
            Ok(Reply::Exit(_)) => false,
            Ok(_) => true,
            Err(error) => error.is_recoverable(),
        };
        let instance = self.instance.take();
        let island = &self.island;
        if let Err(error) = result {
            telemetry::ended(&island.context.counters, &island.subject, error);
        }
        match instance {
            Some(instance) if usable => {
                island.context.exchange.with(|broker, effects| {
                    broker.set_running(island.party, false, effects);
                });
                island.set(Phase::Idle(instance));
                if serves {
                    island.serve();
                }
            }
            instance => {
                let why = match result {
                    Err(error) => Some(error.to_string().into()),
                    Ok(_) => None,
                };
                island.set(Phase::Gone(why));
                island.end(instance);
            }
        }
        if usable && island.stop.is_requested() {
            // The request came too late to stop this job.
            let _ = island.close();
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.instance.is_some() {
            // The future of the job was dropped, so the state of the instance is unknown.
            self.leave(&Err(self.island.stop.error()));
        }
    }
}

impl Island {
    /// Takes the instance for a job.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Entered> {
        let mut phase = self.phase();
        match std::mem::replace(&mut *phase, Phase::Running) {
            Phase::Idle(instance) => {
                // Discards a request for an earlier job that came too late.
                let _ = self.interrupt.take();
                drop(phase);
                let context = &self.context;
                context.exchange.with(|broker, effects| {
                    broker.set_running(self.party, true, effects);
                });
                Ok(Entered {
                    _running: self.context.counters.running.charge(1).0,
                    island: self.clone(),
                    instance: Some(instance),
                })
            }
            Phase::Running => Err(Error::Running),
            Phase::Gone(why) => {
                *phase = Phase::Gone(why.clone());
                Err(why.map_or(Error::Closed, |why| Error::died(why.to_string())))
            }
        }
    }

    /// Starts `job` and returns its future. Dropping the future stops the job and destroys the
    /// interpreter.
    pub(crate) fn start(self: &Arc<Self>, job: Job) -> Result<Run<Reply>> {
        let mut entered = self.enter()?;
        let span = telemetry::span!("exec", self.subject);
        let work = async move {
            let result = entered.run(job).await;
            entered.leave(&result);
            result
        };
        Ok(Run::begin(&self.stop, work.instrument(span)))
    }
}
