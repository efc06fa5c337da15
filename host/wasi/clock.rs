//! The clocks of an interpreter.

use crate::exec::frozen_clock::FrozenClock;
use crate::wasi::{HasWasi, Wasi};
use archipel_core::amount::nanos;
use archipel_core::policy::Clock;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::{self, Host};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder, WasiView};

/// Sets the clocks of an interpreter, and returns the frozen clock if it has one.
pub(super) fn set(
    builder: &mut WasiCtxBuilder,
    clock: Clock,
    started: Instant,
) -> Option<Arc<FrozenClock>> {
    builder.monotonic_clock(Since(started));
    match clock {
        Clock::Offset(seconds) => {
            builder.wall_clock(Shifted(seconds));
            None
        }
        Clock::Frozen(time) => {
            let frozen = Arc::new(FrozenClock::default());
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            let since = since.unwrap_or_default();
            builder.monotonic_clock(Stands(frozen.clone()));
            builder.wall_clock(StandsAt(since, frozen.clone()));
            Some(frozen)
        }
        // The real clocks are WASI's defaults.
        _ => None,
    }
}

/// The monotonic clock, which continues in a copy from its time in the original.
struct Since(Instant);

impl HostMonotonicClock for Since {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        nanos(self.0.elapsed())
    }
}

/// The time of day, shifted by this number of seconds.
struct Shifted(i64);

impl HostWallClock for Shifted {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let shift = Duration::from_secs(self.0.unsigned_abs());
        match self.0 < 0 {
            true => now.saturating_sub(shift),
            false => now.saturating_add(shift),
        }
    }
}

struct Stands(Arc<FrozenClock>);

impl HostMonotonicClock for Stands {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.0.now()
    }
}

struct StandsAt(Duration, Arc<FrozenClock>);

impl HostWallClock for StandsAt {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        let passed = Duration::from_nanos(self.1.now());
        self.0.saturating_add(passed)
    }
}

/// Adds the monotonic clock to `linker`. It replaces wasmtime's, whose sleeps would not advance a
/// frozen clock.
pub(super) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> Result<()> {
    monotonic_clock::add_to_linker::<T, HasClocks>(linker, |state| {
        let state = state.wasi_mut();
        Clocks {
            frozen: state.frozen.clone(),
            state,
        }
    })
}

struct HasClocks;

impl HasData for HasClocks {
    type Data<'a> = Clocks<'a>;
}

struct Clocks<'a> {
    state: &'a mut Wasi,
    frozen: Option<Arc<FrozenClock>>,
}

impl Clocks<'_> {
    fn real(&mut self) -> WasiClocksCtxView<'_> {
        self.state.clocks()
    }

    fn sleep(&mut self, frozen: Arc<FrozenClock>, time: u64) -> Result<Resource<DynPollable>> {
        let sleep = Sleep {
            over: frozen.now().saturating_add(time),
            time: Duration::from_nanos(time),
            until: None,
            frozen,
        };
        let table = self.state.ctx().table;
        let sleep = table.push(sleep)?;
        subscribe(table, sleep)
    }
}

impl Host for Clocks<'_> {
    fn now(&mut self) -> Result<u64> {
        self.real().now()
    }

    fn resolution(&mut self) -> Result<u64> {
        self.real().resolution()
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        match self.frozen.clone() {
            None => self.real().subscribe_instant(when),
            Some(frozen) => {
                let time = when.saturating_sub(frozen.now());
                self.sleep(frozen, time)
            }
        }
    }

    fn subscribe_duration(&mut self, time: u64) -> Result<Resource<DynPollable>> {
        match self.frozen.clone() {
            None => self.real().subscribe_duration(time),
            Some(frozen) => self.sleep(frozen, time),
        }
    }
}

/// A sleep that advances a frozen clock when it ends.
struct Sleep {
    frozen: Arc<FrozenClock>,
    /// The clock's time after the sleep.
    over: u64,
    time: Duration,
    /// The end of the sleep, from the first poll on.
    until: Option<tokio::time::Instant>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        if self.time.is_zero() {
            // Lets sockets become ready, if the guest polls in a loop.
            return tokio::task::yield_now().await;
        }
        let now = tokio::time::Instant::now();
        let until = self.until.or_else(|| now.checked_add(self.time));
        self.until = until;
        match until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
        self.frozen.advance_to(self.over);
    }
}
