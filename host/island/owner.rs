//! Who is asked when an interpreter reaches a limit.

use super::{Function, Island};
use crate::imports::arguments;
use crate::interpreter::LimitCallback;
use crate::telemetry;
use archipel_core::broker::Case;
use archipel_core::error::LimitKind;
use archipel_core::ledger::Exceeded;
use archipel_core::policy::Clock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A limit that an interpreter has reached, for whoever may raise it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitReached {
    /// What there is too much of.
    pub kind: LimitKind,
    /// How much there may be, in the unit of the kind.
    pub limit: u64,
    /// How much there is, or would be.
    pub used: u64,
    /// The name of the interpreter whose limit it is.
    pub name: Option<String>,
}

/// What is called when a limit is reached.
#[derive(Clone)]
pub(crate) enum Handler {
    Host(LimitCallback),
    /// It is called with the name of the limit, the limit and what is used.
    Guest(Function),
}

/// The handler of an interpreter, if its owner gave one.
#[derive(Default)]
pub(crate) struct Owner {
    handler: Mutex<Option<Handler>>,
    /// Whether it is being asked: a handler whose own doing reaches the limit is not asked again.
    asked: AtomicBool,
}

impl Owner {
    pub(crate) fn set(&self, handler: Option<Handler>) {
        *self.handler.lock().unwrap_or_else(PoisonError::into_inner) = handler;
    }

    fn get(&self) -> Option<Handler> {
        let handler = self.handler.lock().unwrap_or_else(PoisonError::into_inner);
        handler.clone()
    }
}

/// Nobody else asks while this lives.
struct Asking<'o>(&'o Owner);

impl<'o> Asking<'o> {
    fn begin(owner: &'o Owner) -> Option<Self> {
        (!owner.asked.swap(true, Ordering::AcqRel)).then_some(Asking(owner))
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asked.store(false, Ordering::Release);
    }
}

impl Island {
    /// Calls a function of an ancestor's, and waits until it has ended.
    async fn ask(&self, function: &Function, exceeded: &Exceeded) {
        let is_time = matches!(exceeded.kind, LimitKind::Cpu | LimitKind::Wall);
        let used = match self.settings.policy.parts().clock {
            // How much time it was is a reading of a clock.
            Clock::Frozen(_) if is_time => exceeded.limit,
            _ => exceeded.used,
        };
        let arguments = arguments(
            vec![
                exceeded.kind.name().into(),
                exceeded.limit.into(),
                used.into(),
            ],
            Vec::new(),
        );
        let asked = match arguments {
            Ok(arguments) => function.call(self, arguments),
            Err(_) => None,
        };
        if let Some(asked) = asked {
            let cases = vec![Case::Event(asked.promise.event())];
            self.context.exchange.wait(self.party, cases, None).await;
        }
    }

    /// Asks the owner of the interpreter whose limit was reached, this one or an ancestor, whether it
    /// may go on, with a limit that it has raised.
    pub(crate) async fn may_go_on(self: &Arc<Self>, exceeded: &Exceeded) -> bool {
        let mut limited = self.clone();
        while limited.account.generation() > exceeded.generation {
            match limited.parent.as_ref().and_then(Weak::upgrade) {
                Some(parent) => limited = parent,
                None => return false,
            }
        }
        let Some(handler) = limited.owner.get() else {
            return false;
        };
        let Some(_asking) = Asking::begin(&limited.owner) else {
            return false;
        };
        let reached = LimitReached {
            kind: exceeded.kind,
            limit: exceeded.limit,
            used: exceeded.used,
            name: limited.settings.name.as_deref().map(str::to_owned),
        };
        let raised = match handler {
            Handler::Host(callback) => {
                let answer = catch_unwind(AssertUnwindSafe(|| callback(&reached)));
                answer.unwrap_or_else(|_| {
                    telemetry::event!(error, "a callback for a limit panicked");
                    None
                })
            }
            Handler::Guest(function) => {
                limited.ask(&function, exceeded).await;
                // What it wanted to change it has changed itself.
                None
            }
        };
        if let Some(limit) = raised {
            limited.account.set_limit(exceeded.kind, Some(limit));
        }
        let now = limited.account.limit(exceeded.kind);
        now.is_none_or(|limit| limit > exceeded.limit && limit >= exceeded.used)
    }
}
