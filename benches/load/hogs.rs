//! Interpreters that compute endlessly.

use super::Trouble;
use archipel::{Binding, Capacity, Interpreter, LimitKind, Runtime};
use std::thread::JoinHandle;

/// A number of hogs, stopped on drop.
pub struct Hogs(Vec<(Interpreter, JoinHandle<archipel::Result<()>>)>);

impl Hogs {
    /// Starts `count` hogs, and waits until all have begun.
    pub fn start(runtime: &Runtime, count: usize) -> Result<Self, Trouble> {
        let (begun, begins) = runtime.channel(Capacity::Unbounded)?;
        let mut hogs = Hogs(Vec::new());
        for _ in 0..count {
            let interpreter = runtime.interpreter().build()?;
            interpreter.prepare_main([("begun", Binding::from(begun.clone()))])?;
            let runner = interpreter.clone();
            let thread = std::thread::spawn(move || runner.exec("begun.send(1)\nwhile True: pass"));
            hogs.0.push((interpreter, thread));
        }
        for _ in 0..count {
            begins.recv()?;
        }
        Ok(hogs)
    }

    /// Returns the CPU time of the hog that computed least.
    pub fn least(&self) -> u64 {
        let all = self.0.iter();
        all.map(|(hog, _)| hog.usage().of(LimitKind::Cpu).own)
            .min()
            .unwrap_or(0)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for (interpreter, _) in &self.0 {
            interpreter.kill();
        }
        for (_, thread) in self.0.drain(..) {
            let _ = thread.join();
        }
    }
}
