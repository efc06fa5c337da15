//! What runs now, and how all of it is stopped at once: by a signal, or for a reason of our own.

use crate::Failure;
use crate::say::PATIENCE;
use archipel::Interpreter;
use crossbeam_channel::{Receiver, Sender};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why everything was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A signal, by its number.
    Signal(i32),
    /// One script failed, and no other is wanted then.
    Halt,
    /// Nobody reads the output any more.
    Unread,
}

impl Cause {
    /// The exit status of a command that was stopped so; none where that is decided by what ran.
    pub fn status(self) -> Option<u8> {
        // What a shell says of a program that a signal ended.
        let of_signal = |number: i32| u8::try_from(128 + number).unwrap_or(crate::FAILED);
        match self {
            Cause::Signal(number) => Some(of_signal(number)),
            Cause::Unread => Some(of_signal(SIGPIPE)),
            Cause::Halt => None,
        }
    }
}

const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;

/// The interpreters that run, until they are stopped.  Clones are the same.
#[derive(Clone)]
pub struct Running(Arc<Shared>);

struct Shared {
    /// Whether there is anything that could be stopped in good order.
    ready: AtomicBool,
    /// How many times Ctrl-C interrupts what runs before it stops it.
    patience: u32,
    terminal: Terminal,
    state: Mutex<State>,
    stopped: Receiver<()>,
}

struct State {
    entries: Vec<(u64, Interpreter)>,
    next: u64,
    cause: Option<Cause>,
    /// How many times what runs was interrupted.
    interrupts: u32,
    /// Dropped to say that everything was stopped.
    stopping: Option<Sender<()>>,
}

impl Running {
    /// Nothing yet, and a watch for the signals that end a program.  The first `patience` times that
    /// Ctrl-C is pressed, it raises `KeyboardInterrupt` in what runs.
    pub fn watched(patience: u32) -> Result<Self, Failure> {
        let (stopping, stopped) = crossbeam_channel::bounded(0);
        let running = Running(Arc::new(Shared {
            ready: AtomicBool::new(false),
            patience,
            terminal: Terminal::now(),
            state: Mutex::new(State {
                entries: Vec::new(),
                next: 0,
                cause: None,
                interrupts: 0,
                stopping: Some(stopping),
            }),
            stopped,
        }));
        running
            .watch()
            .map_err(|error| Failure::failed(format!("cannot watch for signals: {error}")))?;
        Ok(running)
    }

    #[cfg(unix)]
    fn watch(&self) -> std::io::Result<()> {
        use signal_hook::consts::SIGTERM;
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let running = self.clone();
        std::thread::Builder::new()
            .name("archipel-signals".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    running.signalled(signal);
                }
            })?;
        Ok(())
    }

    #[cfg(not(unix))]
    fn watch(&self) -> std::io::Result<()> {
        Ok(())
    }

    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no signals"))]
    fn signalled(&self, number: i32) {
        if number == SIGINT && self.interrupt() {
            return;
        }
        let cause = Cause::Signal(number);
        // Nobody but us ends a session that waits for its user.
        let waits = self.0.patience > 0 && self.who_runs().is_empty();
        let again = !self.stop(cause);
        // Whoever asks twice has waited for the first answer.
        if again || waits || !self.0.ready.load(Ordering::Acquire) {
            self.exit(cause);
        }
        // What is still to be said may find no reader.
        let running = self.clone();
        let patience = std::thread::Builder::new().name("archipel-patience".to_owned());
        let _ = patience.spawn(move || {
            std::thread::sleep(PATIENCE);
            running.exit(cause);
        });
    }

    fn exit(&self, cause: Cause) -> ! {
        self.0.terminal.restore();
        crate::exit(cause.status().unwrap_or(crate::FAILED))
    }

    /// Interrupts what runs, and goes on; false where that was done often enough.
    fn interrupt(&self) -> bool {
        let runs = self.who_runs();
        let mut state = self.state();
        if state.cause.is_some() || !self.0.ready.load(Ordering::Acquire) {
            return false;
        }
        if runs.is_empty() {
            // A session that waits for the next statement.
            return self.0.patience > 0;
        }
        state.interrupts += 1;
        let patient = state.interrupts <= self.0.patience;
        drop(state);
        if patient {
            runs.iter().for_each(Interpreter::interrupt);
        }
        patient
    }

    fn who_runs(&self) -> Vec<Interpreter> {
        let state = self.state();
        let all = state.entries.iter().map(|(_, interpreter)| interpreter);
        all.filter(|each| each.is_running()).cloned().collect()
    }

    /// Says that something else runs now, which was not interrupted yet.
    pub fn forget_interrupts(&self) {
        self.state().interrupts = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that scripts are about to run: whoever waits for them sees to the end of the command.
    pub fn ready(&self) {
        self.0.ready.store(true, Ordering::Release);
    }

    /// Says that everything has ended that could be stopped in good order: the next signal ends the command.
    pub fn over(&self) {
        self.0.ready.store(false, Ordering::Release);
    }

    /// Stops everything that runs and that will; returns whether this is the first request.
    pub fn stop(&self, cause: Cause) -> bool {
        let entries = {
            let mut state = self.state();
            if state.cause.is_some() {
                return false;
            }
            state.cause = Some(cause);
            state.stopping = None;
            std::mem::take(&mut state.entries)
        };
        for (_, interpreter) in entries {
            interpreter.kill();
        }
        true
    }

    /// Why everything was stopped, if it was.
    pub fn cause(&self) -> Option<Cause> {
        self.state().cause
    }

    /// A channel that is disconnected when everything is stopped.
    pub fn stopped(&self) -> &Receiver<()> {
        &self.0.stopped
    }

    /// Lets `interpreter` be stopped with all others while the guard lives.
    #[must_use]
    pub fn enter(&self, interpreter: &Interpreter) -> Entry {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        match state.cause {
            Some(_) => {
                drop(state);
                interpreter.kill();
            }
            None => state.entries.push((number, interpreter.clone())),
        }
        Entry {
            running: self.clone(),
            number,
        }
    }
}

/// An interpreter among those that run.
pub struct Entry {
    running: Running,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.running.state();
        let at = state
            .entries
            .iter()
            .position(|(number, _)| *number == self.number);
        let last = at.map(|at| state.entries.swap_remove(at));
        drop(state);
        // The last reference to an interpreter destroys it, for which nobody should have to wait.
        drop(last);
    }
}

/// The settings of the terminal, which a line editor changes while it waits.
struct Terminal {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Terminal {
    fn now() -> Self {
        Terminal {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }

    fn restore(&self) {
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            use rustix::termios::{OptionalActions, tcsetattr};
            // There is nothing else to be done where it has gone.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, settings);
        }
    }
}
