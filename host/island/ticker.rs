//! The ticker: a thread that preempts running guests and searches for deadlocks.

use crate::exchange::Exchange;
use archipel_core::error::{Error, Result};
use std::sync::{Arc, Weak};
use std::time::Duration;
use wasmtime::Engine;

/// The interval at which running guests are preempted, so that other tasks run and limits are
/// checked.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// The number of ticks between two deadlock searches.
const TICKS_PER_SEARCH: u64 = 20;

/// Starts the ticker thread. It preempts the guests of `engine` every [`TICK`] and searches for
/// deadlocks while other guests run. It ends when `exchange` is dropped.
///
/// An engine has one ticker. A second one would make all deadlines come early.
pub(crate) fn start(engine: &Engine, exchange: &Arc<Exchange>) -> Result<()> {
    let engine = engine.weak();
    let exchange: Weak<Exchange> = Arc::downgrade(exchange);
    std::thread::Builder::new()
        .name("archipel-ticker".to_owned())
        .spawn(move || {
            for tick in 1_u64.. {
                std::thread::sleep(TICK);
                let (Some(engine), Some(exchange)) = (engine.upgrade(), exchange.upgrade()) else {
                    break;
                };
                engine.increment_epoch();
                if tick.is_multiple_of(TICKS_PER_SEARCH) {
                    exchange.with(|broker, effects| broker.check_deadlock(effects));
                }
            }
        })
        .map_err(Error::of_system)?;
    Ok(())
}
