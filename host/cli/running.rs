//! The running interpreters, and stopping all of them at once: by a signal or another cause.

use crate::Failure;
use crate::say::PATIENCE;
use archipel::Interpreter;
use crossbeam_channel::{Receiver, Sender};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The cause of a stop of all interpreters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A signal, by its number.
    Signal(i32),
    /// A script failed, with `--halt`.
    Halt,
    /// The reader of the output is gone.
    Unread,
}

impl Cause {
    /// Returns the exit status of a command that stopped for this cause, or `None` if its scripts
    /// determine it.
    pub fn status(self) -> Option<u8> {
        // The status that a shell reports for a program ended by a signal.
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

/// The running interpreters. Clones share them.
#[derive(Clone)]
pub struct Running(Arc<Shared>);

struct Shared {
    /// True while interpreters exist that can be stopped in an orderly way.
    ready: AtomicBool,
    /// The number of times that Ctrl-C interrupts scripts before it stops them.
    patience: u32,
    terminal: Terminal,
    state: Mutex<State>,
    stopped: Receiver<()>,
}

struct State {
    entries: Vec<(u64, Interpreter)>,
    next: u64,
    cause: Option<Cause>,
    /// The number of interrupts so far.
    interrupts: u32,
    /// Dropped to signal that everything was stopped.
    stopping: Option<Sender<()>>,
}

impl Running {
    /// Creates an empty set, and starts to watch for signals. The first `patience` times that the
    /// user presses Ctrl-C, `KeyboardInterrupt` is raised in what runs.
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
        // A session that waits for its user would never notice the stop.
        let waits = self.0.patience > 0 && self.running_interpreters().is_empty();
        let again = !self.stop(cause);
        // A second request means that the first one took too long.
        if again || waits || !self.0.ready.load(Ordering::Acquire) {
            self.exit(cause);
        }
        // The last messages can block on a reader.
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

    /// Interrupts what runs and returns true, or returns false if that was done `patience` times
    /// already.
    fn interrupt(&self) -> bool {
        let runs = self.running_interpreters();
        let mut state = self.state();
        if state.cause.is_some() || !self.0.ready.load(Ordering::Acquire) {
            return false;
        }
        if runs.is_empty() {
            // A session waits for the next statement.
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

    fn running_interpreters(&self) -> Vec<Interpreter> {
        let state = self.state();
        let all = state.entries.iter().map(|(_, interpreter)| interpreter);
        all.filter(|each| each.is_running()).cloned().collect()
    }

    /// Resets the count of interrupts, since another statement runs now.
    pub fn forget_interrupts(&self) {
        self.state().interrupts = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks scripts as about to run: from now on a signal stops them, and the waiting thread ends
    /// the command.
    pub fn ready(&self) {
        self.0.ready.store(true, Ordering::Release);
    }

    /// Marks everything as ended: the next signal ends the command.
    pub fn over(&self) {
        self.0.ready.store(false, Ordering::Release);
    }

    /// Stops all interpreters, running and future. It returns whether this was the first request.
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

    /// Returns why everything was stopped, if it was.
    pub fn cause(&self) -> Option<Cause> {
        self.state().cause
    }

    /// Returns a channel that is disconnected when everything is stopped.
    pub fn stopped(&self) -> &Receiver<()> {
        &self.0.stopped
    }

    /// Adds `interpreter`, to be stopped with all others while the guard lives.
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

/// An interpreter in the set; dropping it removes the interpreter.
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
        // Dropping the last reference destroys the interpreter, which must not happen under the
        // lock.
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
            // If the terminal is gone, there is nothing to restore.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, settings);
        }
    }
}
