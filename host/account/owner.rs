//! The owner of a limit, who can raise it when it is exceeded.

use archipel_core::ledger::Exceeded;
use std::pin::Pin;

/// An owner's answer, as a future: true if the limit was raised enough to continue.
pub(crate) type Raises<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// The owner of an interpreter's limits.
pub(crate) trait LimitOwner: Send + Sync {
    /// Asks for a higher limit.
    fn raises<'a>(&'a self, exceeded: &'a Exceeded) -> Raises<'a>;
}

/// An action that a limit can stop, and that can be tried again when the limit was raised.
pub(crate) trait Attempt: Send {
    type Output: Send;

    /// Tries the action.
    fn attempt(&mut self) -> impl Future<Output = Result<Self::Output, Exceeded>> + Send;
}

impl<T: Send, F: FnMut() -> Result<T, Exceeded> + Send> Attempt for F {
    type Output = T;

    async fn attempt(&mut self) -> Result<T, Exceeded> {
        self()
    }
}

/// Makes `attempt` until it succeeds or exceeds a limit that `owner` does not raise.
pub(crate) async fn while_raised<A: Attempt>(
    owner: &dyn LimitOwner,
    mut attempt: A,
) -> Result<A::Output, Exceeded> {
    loop {
        match attempt.attempt().await {
            Err(exceeded) if owner.raises(&exceeded).await => {}
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archipel_core::error::LimitKind;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// An owner that raises a limit this many times.
    struct Times(AtomicU64);

    impl LimitOwner for Times {
        fn raises<'a>(&'a self, _: &'a Exceeded) -> Raises<'a> {
            let less = |left: u64| left.checked_sub(1);
            let raised = self
                .0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            Box::pin(std::future::ready(raised.is_ok()))
        }
    }

    #[test]
    fn an_attempt_is_repeated_while_the_owner_raises_the_limit() {
        for (needed, granted) in [(0, 0), (2, 2), (2, 5), (3, 2)] {
            let mut left = needed;
            let exceeded = Exceeded {
                kind: LimitKind::Memory,
                limit: 1,
                used: 2,
                generation: 0,
            };
            let owner = Times(AtomicU64::new(granted));
            let ended = pollster::block_on(while_raised(&owner, || {
                if left == 0 {
                    return Ok(());
                }
                left -= 1;
                Err(exceeded.clone())
            }));
            assert_eq!(ended.is_ok(), granted >= needed, "{needed} {granted}");
        }
    }
}
