//! The life of an interpreter: forks, resets, and its end.

use super::Interpreter;
use crate::exec::interrupt::Interruption;
#[cfg(doc)]
use archipel_core::error::Error;
use archipel_core::error::Result;

impl Interpreter {
    /// Forks the interpreter: creates a copy with the same state, which then runs independently. The state is
    /// `__main__`, the imported modules and everything that they refer to.
    ///
    /// A clone of an `Interpreter` is a handle of the same interpreter; a fork is another one.
    ///
    /// The copy has the policy, the limits and the outputs of the original. It holds ends of the same channels and
    /// references to the same interpreters. Its files are closed, and tasks that the original started in other
    /// interpreters have failed for it. `random` gets a new seed, and clocks continue. The cost depends on how much the
    /// original changed since its creation: one or two milliseconds if it imported a dozen modules.
    ///
    /// # Errors
    ///
    /// [`Error::NotCopyable`] while the interpreter has an open `os.scandir` iterator, [`Error::Capacity`] if the
    /// runtime is full, and [`Error::NoMemory`] if the system refuses memory; the original stays usable after these.
    /// [`Error::Running`] and [`Error::Closed`] if it is in use or gone.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let original = runtime.interpreter().build()?;
    /// original.exec("import json, decimal; table = {}")?;
    /// let fork = original.fork()?;
    /// fork.exec("table['a'] = json.loads('1')")?;
    /// assert_eq!(original.eval::<i64>("len(table)")?, 0);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn fork(&self) -> Result<Interpreter> {
        let run = self.island.copy(None)?;
        let fork = self.island.context.workers.finish(run)?;
        Ok(Interpreter::own(fork))
    }

    /// Forks the interpreter as [`fork`](Self::fork) does. Dropping the future stops the original, whose state is then
    /// unknown.
    pub async fn fork_async(&self) -> Result<Interpreter> {
        let run = self.island.copy(None)?;
        let fork = self.island.context.workers.finish_async(run).await?;
        Ok(Interpreter::own(fork))
    }

    /// Resets the interpreter to its initial state, and destroys its descendants. Its policy and
    /// its limits stay.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] and [`Error::Closed`] if the interpreter is in use or gone, and
    /// [`Error::NoMemory`] if the system refuses memory for the new instance; the interpreter is
    /// then unchanged.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.exec("x = 1")?;
    /// interpreter.reset()?;
    /// assert!(interpreter.exec("x").is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn reset(&self) -> Result<()> {
        let run = self.island.reset()?;
        self.island.context.workers.finish(run)
    }

    /// Resets the interpreter as [`reset`](Self::reset) does. Dropping the future stops the
    /// interpreter.
    pub async fn reset_async(&self) -> Result<()> {
        let run = self.island.reset()?;
        self.island.context.workers.finish_async(run).await
    }

    /// Returns whether a call runs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// assert!(!interpreter.is_running());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn is_running(&self) -> bool {
        self.island.is_running()
    }

    /// Destroys the interpreter and its descendants.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while a call runs, and [`Error::Closed`] if the interpreter is already
    /// gone.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.close()?;
    /// assert!(matches!(interpreter.exec("1"), Err(archipel::Error::Closed)));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn close(&self) -> Result<()> {
        self.island.close()
    }

    /// Raises `KeyboardInterrupt` in the running call, as Ctrl-C does in a terminal. It does
    /// nothing if no call runs. The interpreter stays usable.
    ///
    /// The exception is raised between two bytecode instructions, in a wait (a receive, a send, a
    /// sleep, a select), and in long C code that checks for signals, such as a regular expression
    /// or a multiplication of large numbers. It takes at most 10 ms if a processor is free. The
    /// exception is not raised in other C code, such as `sum(range(10**12))`, before that code
    /// ends; in a call of a child, which continues; or in a read from standard input or from the
    /// network. [`kill`](Self::kill) ends these too.
    ///
    /// If the script has set a handler with `signal.signal(signal.SIGINT, handler)`, CPython calls
    /// the handler instead. The code can catch the exception and continue. Requests made before the
    /// exception is raised count as one. A request that is still pending when the call ends is
    /// dropped.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// let worker = interpreter.clone();
    /// let call = std::thread::spawn(move || worker.exec("while True: pass"));
    /// while !call.is_finished() {
    ///     interpreter.interrupt();
    /// }
    /// match call.join() {
    ///     Ok(Err(archipel::Error::Raised(raised))) => assert_eq!(raised.name, "KeyboardInterrupt"),
    ///     other => panic!("{other:?}"),
    /// }
    /// interpreter.exec("x = 'still usable'")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn interrupt(&self) {
        self.island.interrupt(Interruption::Keyboard);
    }

    /// Cancels the jobs that run in the interpreter and in its descendants, with a message.
    ///
    /// `archipel.Cancelled` is raised where the script waits or, a few milliseconds later, where it computes. The script
    /// can catch the exception, and clean up in `finally`. A builtin that computes for long without checking for signals
    /// (`sum(range(10**12))`) runs to its end first. If nothing runs, nothing happens.
    ///
    /// [`cancel_unwinding`](Self::cancel_unwinding) stops scripts that do not cooperate.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// let worker = interpreter.clone();
    /// let call = std::thread::spawn(move || worker.exec("while True: pass"));
    /// while !interpreter.is_running() {
    ///     std::thread::yield_now();
    /// }
    /// interpreter.cancel("too slow");
    /// match call.join() {
    ///     Ok(Err(archipel::Error::Raised(raised))) => assert_eq!(raised.name, "Cancelled"),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn cancel(&self, message: impl Into<String>) {
        self.island.cancel(&message.into());
    }

    /// Stops the running call with a message, wherever it is, and destroys the interpreter and its descendants. The
    /// script cannot catch it, and the call returns [`Error::Cancelled`] with the message.
    ///
    /// It differs from [`kill`](Self::kill) only in the error. In Python it is `cancel(message, unwind=True)`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// let worker = interpreter.clone();
    /// let call = std::thread::spawn(move || worker.exec("while True: pass"));
    /// while !interpreter.is_running() {
    ///     std::thread::yield_now();
    /// }
    /// interpreter.cancel_unwinding("too slow");
    /// assert!(matches!(call.join(), Ok(Err(archipel::Error::Cancelled(_)))));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn cancel_unwinding(&self, message: impl Into<String>) {
        self.island.cancel_unwinding(&message.into());
    }

    /// Stops the running call, wherever it is, and destroys the interpreter and its descendants.
    /// The call returns [`Error::Killed`]. A second `kill` does nothing.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// let worker = interpreter.clone();
    /// let call = std::thread::spawn(move || worker.exec("while True: pass"));
    /// while !interpreter.is_running() {
    ///     std::thread::yield_now();
    /// }
    /// interpreter.kill();
    /// assert!(matches!(call.join(), Ok(Err(archipel::Error::Killed))));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn kill(&self) {
        self.island.kill();
    }
}
