//! The host side of the `aliases` imports.

use super::{LONGEST_REASON, answer};
use crate::exchange::channel_meta::Unbound;
use crate::exchange::quota::MOST_QUEUED_IN_ALL;
use crate::island::aliases::Target;
use crate::island::bindings::archipel::island::aliases::{Complaint, Failure, Host};
use crate::island::bindings::archipel::island::channels as wit_channels;
use crate::island::caller::Caller;
use crate::island::calls::{call_guest, call_host};
use crate::island::from_guest::{Outgoing, outgoing};
use crate::island::handles::ReceiverEnd;
use crate::island::not_sent::NotSent;
use crate::island::state::State;
use crate::island::to_guest::deliver;
use crate::telemetry;
use crate::text::cut;
use wasmtime::Result;
use wasmtime::component::{Linker, Resource};

impl Host for Caller<'_> {
    async fn call(
        &mut self,
        name: String,
        arguments: Outgoing,
    ) -> Result<Result<wit_channels::Message, Failure>> {
        let own = self.own()?;
        let target = own.aliases.with(|equipment| equipment.find(&name));
        let Some(target) = target else {
            telemetry::denied(
                &own.subject,
                format_args!("there is no alias called {name:?}"),
            );
            return Ok(Err(Failure::Absent));
        };
        let arguments = self.check(arguments).await?;
        let message = match outgoing(self, arguments, None, Unbound::Keep)? {
            Ok(message) => message,
            Err(reason) => return Ok(Err(reason.into())),
        };
        let call = async {
            match target {
                Target::Host(function) => call_host(&own, &name, function, message).await,
                Target::Guest(function) => match own.with_room(message) {
                    Some(message) => call_guest(&own, &function, message).await,
                    None => Err(NotSent::TooLarge(MOST_QUEUED_IN_ALL).into()),
                },
            }
        };
        let answer = tokio::select! {
            biased;
            answer = call => answer,
            () = self.interrupt.requested() => Err(Failure::Interrupted),
        };
        Ok(match answer {
            Ok(message) => deliver(self, message)?.map_err(Failure::from),
            Err(failure) => Err(failure),
        })
    }

    fn names(&mut self) -> Result<Vec<String>> {
        Ok(self
            .own()?
            .aliases
            .with(|equipment| equipment.visible_names()))
    }

    fn inbox(&mut self) -> Result<Resource<ReceiverEnd>> {
        let own = self.own()?;
        let end = own.inbox().map_err(wasmtime::Error::new)?.receiver();
        let end = end.ok_or_else(|| wasmtime::format_err!("the caller is gone"))?;
        self.must_hold(ReceiverEnd(end))
    }

    async fn reply(
        &mut self,
        call: u32,
        outcome: Result<Outgoing, Complaint>,
    ) -> Result<Result<(), Failure>> {
        let own = self.own()?;
        let inbox = own.inbox().map_err(wasmtime::Error::new)?;
        if !inbox.awaits(call) {
            return Ok(Ok(()));
        }
        let answer = match outcome {
            Ok(message) => {
                let message = self.check(message).await?;
                match outgoing(self, message, None, Unbound::Keep)? {
                    Ok(message) => Ok(message),
                    Err(reason) => return Ok(Err(reason.into())),
                }
            }
            Err(complaint) => {
                let plain = cut(complaint.plain, LONGEST_REASON);
                let detail = cut(complaint.detail, LONGEST_REASON);
                telemetry::event!(
                    warn,
                    interpreter = own.id,
                    "an alias failed: {}: {}",
                    plain.escape_debug(),
                    detail.escape_debug()
                );
                Err(plain)
            }
        };
        inbox.answer(call, answer);
        Ok(Ok(()))
    }
}

/// Adds `call` to `linker`. It replaces the function of the bindings, which cannot report that a
/// result has no room.
pub(super) fn add_call(linker: &mut Linker<State>) -> Result<()> {
    let mut aliases = linker.instance("archipel:island/aliases@0.1.0")?;
    aliases.func_wrap_async("call", |mut store, (name, arguments)| {
        Box::new(async move {
            let result = Host::call(&mut store.data_mut().caller(), name, arguments).await?;
            Ok((answer(&store.data().ports, result, Err(Failure::NoMemory)).await,))
        })
    })
}
