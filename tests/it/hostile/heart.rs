//! An interpreter that answers continuously unless another one harms it.

use archipel::{Binding, Capacity, Interpreter, Runtime};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time limit for an answer, which takes milliseconds if it works.
const PATIENCE: Duration = Duration::from_secs(5);

struct Shared {
    /// Held during a question and its answer.
    beating: Mutex<()>,
    beats: AtomicU64,
    over: AtomicBool,
}

/// A sibling that is asked every few milliseconds, and the thread that asks.
pub struct Heart {
    interpreter: Interpreter,
    shared: Arc<Shared>,
    asks: Option<JoinHandle<Result<(), String>>>,
    answers: Option<JoinHandle<archipel::Result<()>>>,
}

impl Heart {
    pub fn start(runtime: &Runtime) -> Self {
        let interpreter = runtime.interpreter().build().unwrap();
        let (questions, inbox) = runtime.channel(Capacity::Bounded(1)).unwrap();
        let (outbox, answers) = runtime.channel(Capacity::Bounded(1)).unwrap();
        interpreter
            .prepare_main([("inbox", Binding::from(inbox)), ("outbox", outbox.into())])
            .unwrap();
        let shared = Arc::new(Shared {
            beating: Mutex::new(()),
            beats: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let runner = interpreter.clone();
        let serves =
            std::thread::spawn(move || runner.exec("for item in inbox: outbox.send(item + 1)"));
        let heart = shared.clone();
        let asks = std::thread::spawn(move || {
            while !heart.over.load(Ordering::Relaxed) {
                let beat = heart.beats.load(Ordering::Relaxed);
                let _beating = heart.beating.lock().unwrap();
                questions.send(beat).map_err(|error| error.to_string())?;
                let answer = answers.recv_timeout(PATIENCE);
                let answer = answer.map_err(|error| format!("beat {beat}: {error}"))?;
                if answer.as_i64() != i64::try_from(beat + 1).ok() {
                    return Err(format!("beat {beat} was answered with {answer}"));
                }
                heart.beats.fetch_add(1, Ordering::Relaxed);
                drop(_beating);
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        });
        Heart {
            interpreter,
            shared,
            asks: Some(asks),
            answers: Some(serves),
        }
    }

    /// Returns the number of answers so far.
    pub fn beats(&self) -> u64 {
        self.shared.beats.load(Ordering::Relaxed)
    }

    /// Waits for an answer to a question asked after this call began.
    pub fn answers(&self) -> Result<(), String> {
        let (begun, from) = (Instant::now(), self.beats());
        while self.beats() < from + 2 {
            let stopped = self.asks.as_ref().is_none_or(JoinHandle::is_finished);
            if stopped || begun.elapsed() > 2 * PATIENCE {
                return Err("the sibling stopped answering".to_owned());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Runs `look` while no question is in progress, and returns its result.
    pub fn between_beats<T>(&self, look: impl FnOnce() -> T) -> T {
        let _beating = self.shared.beating.lock().unwrap();
        look()
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        let _ = self.asks.take().map(JoinHandle::join);
        self.interpreter.kill();
        let _ = self.answers.take().map(JoinHandle::join);
    }
}
