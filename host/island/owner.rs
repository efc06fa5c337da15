//! The handler that decides when an interpreter exceeds a limit.

use super::Island;
use super::aliases::Function;
use super::calls::arguments;
use crate::account::{LimitOwner, Raises};
use crate::lock::lock;
use crate::telemetry;
use archipel_core::broker::Case;
use archipel_core::error::LimitKind;
use archipel_core::ledger::Exceeded;
use archipel_core::limits::Limits;
use archipel_core::policy::Clock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// An exceeded limit, as [`InterpreterBuilder::on_limit`](crate::InterpreterBuilder::on_limit)
/// receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitReached {
    /// The kind of the limit.
    pub kind: LimitKind,
    /// The limit, in the unit of the kind: bytes, nanoseconds or a count.
    pub limit: u64,
    /// The amount in use, or the amount that would be in use, in the same unit.
    pub used: u64,
    /// The name of the interpreter whose limit it is, if it has one.
    pub name: Option<String>,
}

/// The callback that [`InterpreterBuilder::on_limit`](crate::InterpreterBuilder::on_limit) sets.
pub(crate) type LimitCallback = Arc<dyn Fn(&LimitReached) -> Option<Limits> + Send + Sync>;

/// A function that is called when a limit is exceeded.
#[derive(Clone)]
pub(crate) enum Handler {
    Host(LimitCallback),
    /// A guest's function, called with the name of the limit, the limit and the amount in use.
    Guest(Function),
}

/// The handler of an interpreter, if one was set.
#[derive(Default)]
pub(crate) struct Owner {
    handler: Mutex<Option<Handler>>,
    /// True while a call of the handler runs: it is not called again for limits that it exceeds
    /// itself.
    asked: AtomicBool,
}

impl Owner {
    pub(crate) fn set(&self, handler: Option<Handler>) {
        *lock(&self.handler) = handler;
    }

    fn get(&self) -> Option<Handler> {
        let handler = lock(&self.handler);
        handler.clone()
    }
}

/// The right to call the handler, released when dropped.
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
    /// Calls an ancestor's function, and waits until it has ended.
    async fn ask(&self, function: &Function, exceeded: &Exceeded) {
        let is_time = matches!(exceeded.kind, LimitKind::Cpu | LimitKind::Wall);
        let used = match self.settings.policy.parts().clock {
            // The exact time used would reveal the time to a child with a frozen clock.
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

    /// Calls the handler of the interpreter whose limit was exceeded, this one or an ancestor. It
    /// returns whether the limit was raised enough to continue.
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
                    telemetry::event!(error, "a limit callback panicked");
                    None
                })
            }
            Handler::Guest(function) => {
                limited.ask(&function, exceeded).await;
                // The function changes the limit itself, if it wants to.
                None
            }
        };
        if let Some(limits) = raised {
            let changed = limits.check().and_then(|()| limited.set_limits(&limits));
            if let Err(error) = changed {
                telemetry::event!(error, "a limit callback returned invalid limits: {error}");
            }
        }
        let now = limited.account.limit(exceeded.kind);
        now.is_none_or(|limit| limit > exceeded.limit && limit >= exceeded.used)
    }
}

impl LimitOwner for Weak<Island> {
    fn raises<'a>(&'a self, exceeded: &'a Exceeded) -> Raises<'a> {
        let island = self.upgrade();
        Box::pin(async move {
            match &island {
                Some(island) => island.may_go_on(exceeded).await,
                None => false,
            }
        })
    }
}
