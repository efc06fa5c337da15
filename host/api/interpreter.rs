//! The public handle of an interpreter, and its builder.

mod governing;

use crate::api::channel::{Receiver, Sender};
use crate::api::runtime::Runtime;
use crate::exchange::Exchange;
use crate::exchange::message::{Carried, Form, Message};
use crate::exec::interrupt::Interruption;
use crate::island::family::Family;
use crate::island::job::{Job, Reply, exited};
use crate::island::owner::{Handler, LimitCallback, LimitReached};
use crate::island::prewarm::Prewarmed;
use crate::island::{Island, Settings};
use crate::output::Output;
use archipel_core::broker::Side;
use archipel_core::encoding::{self, MAX_DEPTH, Refusal, Travels};
use archipel_core::error::{Error, LimitKind, Result};
use archipel_core::limits::Limits;
use archipel_core::policy::Policy;
use archipel_core::value::{HandleKind, Value};
use std::sync::Arc;

pub use governing::Child;

/// The settings of a new interpreter; [`Runtime::interpreter`] returns one.
///
/// The defaults are an empty [`Policy`], the defaults of [`Limits`], no name, no limit callback,
/// and outputs that are discarded.
///
/// # Examples
///
/// ```no_run
/// use archipel::{Limits, Output};
/// # let runtime = archipel::Runtime::new()?;
///
/// let output = Output::captured(1 << 20);
/// let interpreter = runtime
///     .interpreter()
///     .name("worker")
///     .limits(Limits::new().memory(64 << 20)?)
///     .stdout(output.clone())
///     .build()?;
/// interpreter.exec("print('ready')")?;
/// assert_eq!(output.take().text(), "ready\n");
/// # Ok::<(), archipel::Error>(())
/// ```
#[must_use]
#[derive(Clone)]
pub struct InterpreterBuilder {
    runtime: Runtime,
    policy: Policy,
    limits: Limits,
    stdout: Output,
    stderr: Output,
    name: Option<Arc<str>>,
    on_limit: Option<LimitCallback>,
}

impl std::fmt::Debug for InterpreterBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InterpreterBuilder")
            .field("policy", &self.policy)
            .field("limits", &self.limits)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl InterpreterBuilder {
    pub(crate) fn new(runtime: Runtime) -> Self {
        InterpreterBuilder {
            runtime,
            policy: Policy::new(),
            limits: Limits::new(),
            stdout: Output::discarded(),
            stderr: Output::discarded(),
            name: None,
            on_limit: None,
        }
    }

    /// Sets the policy: what the interpreter may do. The default grants nothing.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the limits on what the interpreter and its descendants use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the destination of its standard output and that of its children. By default output is
    /// discarded.
    pub fn stdout(mut self, output: Output) -> Self {
        self.stdout = output;
        self
    }

    /// Sets the destination of its standard error and that of its children. By default output is
    /// discarded.
    pub fn stderr(mut self, output: Output) -> Self {
        self.stderr = output;
        self
    }

    /// Sets the name of the interpreter in logs and reports. It has no meaning for Python code.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// Sets a callback for the moment when the interpreter and its descendants together exceed a
    /// limit.
    ///
    /// The callback returns the new limit, in the unit of [`LimitReached::limit`], and the
    /// interpreter continues where it was. If it returns `None`, or a limit that is exceeded too,
    /// the limit takes effect as if there were no callback. The host calls it for memory, CPU
    /// time, wall time and output, on the thread that runs the interpreter. So it must return
    /// quickly and must not use the interpreter. It is never called while an earlier call of it
    /// runs for the same interpreter. A panic in it counts as `None`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{LimitKind, Limits};
    /// use std::time::Duration;
    ///
    /// let interpreter = runtime
    ///     .interpreter()
    ///     .limits(Limits::new().cpu(Duration::from_secs(1))?)
    ///     .on_limit(|reached| match reached.kind {
    ///         // No interpreter gets more than three seconds.
    ///         LimitKind::Cpu if reached.limit < 3_000_000_000 => Some(3_000_000_000),
    ///         _ => None,
    ///     })
    ///     .build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn on_limit(
        mut self,
        callback: impl Fn(&LimitReached) -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        self.on_limit = Some(Arc::new(callback));
        self
    }

    /// Creates the interpreter, and blocks until it can run code.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] if the runtime is full, [`Error::Config`] if a granted directory no
    /// longer exists, if the memory limit is smaller than an interpreter needs, or if a fuel limit
    /// is set and the runtime does not count fuel, and [`Error::NoMemory`] if the system refuses
    /// memory.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// assert!(!interpreter.is_running());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn build(self) -> Result<Interpreter> {
        let context = self.runtime.0.clone();
        context.workers.block_on(self.create())?
    }

    /// Creates the interpreter as [`build`](Self::build) does. Dropping the future cancels the
    /// creation.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> archipel::Result<()> {
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build_async().await?;
    /// interpreter.exec_async("x = 1").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn build_async(self) -> Result<Interpreter> {
        let context = self.runtime.0.clone();
        context.workers.join(self.create()).await?
    }

    async fn create(self) -> Result<Interpreter> {
        let context = &self.runtime.0;
        if self.limits.get(LimitKind::Fuel).is_some() && !context.counts_fuel {
            return Err(Error::Config(
                "a fuel limit needs a runtime that counts fuel (build it with \
                 Runtime::builder().fuel(true))"
                    .to_owned(),
            ));
        }
        let family = Family::new(context.next_family());
        let island = Island::create(
            context,
            &family,
            None,
            Settings {
                policy: self.policy.with_new_quotas(),
                limits: self.limits,
                stdout: self.stdout,
                stderr: self.stderr,
                name: self.name,
                trusted: false,
            },
            self.runtime.1.as_ref().and_then(Prewarmed::take),
        )
        .await
        .map_err(|error| match error {
            Error::LimitExceeded {
                kind: LimitKind::Memory,
                limit,
                used,
            } => Error::Config(format!(
                "the memory limit of {} is too small: an interpreter starts with {}",
                LimitKind::Memory.show(limit),
                LimitKind::Memory.show(used)
            )),
            other => other,
        })?;
        if let Some(handler) = self.on_limit {
            island.owner.set(Some(Handler::Host(handler)));
        }
        Ok(Interpreter(Arc::new(Owned(island))))
    }
}

/// A Python interpreter with its own memory.
///
/// It runs one call at a time; a second call returns [`Error::Running`]. Clones are handles of the
/// same interpreter. Dropping the last clone stops and destroys the interpreter with all its
/// descendants.
///
/// Blocking calls have an `_async` twin, except [`run`](Self::run), [`get`](Self::get) and
/// [`invoke_hidden`](Self::invoke_hidden). Do not make a blocking call in a task of a
/// single-threaded executor: it delays all other tasks. Dropping the future of an `_async` call
/// while the call runs stops the interpreter: it is destroyed, since its state is unknown.
#[derive(Debug, Clone)]
pub struct Interpreter(Arc<Owned>);

struct Owned(Arc<Island>);

impl std::fmt::Debug for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter").finish_non_exhaustive()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.kill();
    }
}

impl Interpreter {
    /// Runs source text in `__main__` and waits for its end.
    ///
    /// # Errors
    ///
    /// [`Error::Raised`] if the code raised an exception and did not catch it; the interpreter
    /// stays usable. [`Error::Running`] and [`Error::Closed`] if the interpreter is in use or gone.
    /// [`Error::LimitExceeded`], [`Error::Cancelled`], [`Error::Killed`] and [`Error::Died`] if the
    /// interpreter ended during the call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.exec("x = 1")?;
    /// match interpreter.exec("x / 0") {
    ///     Err(archipel::Error::Raised(raised)) => assert_eq!(raised.name, "ZeroDivisionError"),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn exec(&self, source: impl Into<String>) -> Result<()> {
        self.blocking(Job::Exec(source.into())).and_then(done)
    }

    /// Runs source text as [`exec`](Self::exec) does.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> archipel::Result<()> {
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build_async().await?;
    /// interpreter.exec_async("import json").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn exec_async(&self, source: impl Into<String>) -> Result<()> {
        self.asynchronous(Job::Exec(source.into()))
            .await
            .and_then(done)
    }

    /// Evaluates an expression in `__main__` and returns its value.
    ///
    /// # Errors
    ///
    /// As for [`exec`](Self::exec). A value that is not shareable raises `NotShareableError`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// assert_eq!(interpreter.eval("sum(range(10))")?.as_i64(), Some(45));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn eval(&self, source: impl Into<String>) -> Result<Value> {
        self.blocking(Job::Eval(source.into())).and_then(value)
    }

    /// Evaluates an expression as [`eval`](Self::eval) does.
    pub async fn eval_async(&self, source: impl Into<String>) -> Result<Value> {
        self.asynchronous(Job::Eval(source.into()))
            .await
            .and_then(value)
    }

    /// Binds values and channel ends to names in `__main__`.
    ///
    /// # Errors
    ///
    /// [`Error::NotShareable`] for a value that is nested too deeply or has an unhashable key,
    /// [`Error::Config`] for a channel of another runtime, and otherwise as for
    /// [`exec`](Self::exec).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Binding, Capacity};
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// let (sender, receiver) = runtime.channel(Capacity::Bounded(1))?;
    /// interpreter.prepare_main([("n", Binding::from(3)), ("out", sender.into())])?;
    /// interpreter.exec("out.send(n * 2)")?;
    /// assert_eq!(receiver.recv()?.as_i64(), Some(6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare_main<N: Into<String>>(
        &self,
        bindings: impl IntoIterator<Item = (N, Binding)>,
    ) -> Result<()> {
        let message = bind(&self.0.0.context.exchange, bindings)?;
        self.blocking(Job::Bind(message)).and_then(done)
    }

    /// Binds names as [`prepare_main`](Self::prepare_main) does.
    pub async fn prepare_main_async<N: Into<String>>(
        &self,
        bindings: impl IntoIterator<Item = (N, Binding)>,
    ) -> Result<()> {
        let message = bind(&self.0.0.context.exchange, bindings)?;
        self.asynchronous(Job::Bind(message)).await.and_then(done)
    }

    /// Runs a script to its end, as `python3 name arguments...` does, and returns its exit status.
    /// `__name__` is `__main__`, `sys.argv` has the arguments, exit functions run at the end, and
    /// the traceback of an uncaught exception goes to standard error.
    ///
    /// If `arguments` is empty, the script gets the arguments that the policy grants
    /// ([`Policy::args`](crate::Policy::args)).
    ///
    /// `name` is the script's name in tracebacks: a path, `<string>` or `<stdin>`. If the policy
    /// grants the script's folder on the host, the script can import modules from it.
    ///
    /// # Errors
    ///
    /// As for [`exec`](Self::exec), except that an uncaught exception is exit status 1 and not an
    /// error.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// let arguments = ["3".to_owned()];
    /// let status = interpreter.run("import sys; sys.exit(int(sys.argv[1]))", "<string>", arguments)?;
    /// assert_eq!(status, 3);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn run(
        &self,
        source: impl Into<Vec<u8>>,
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<u8> {
        let name = name.into();
        let directory = self.0.0.settings.policy.guest_folder_of(&name);
        if let Some(folder) = &directory {
            // Children search the folder of the first script only.
            let _ = self.0.0.script_folder.set(folder.clone());
        }
        let job = Job::Run {
            source: source.into(),
            directory,
            name,
            arguments: self.arguments(arguments),
        };
        match self.blocking(job)? {
            Reply::Status(status) | Reply::Exit(status) => Ok(status),
            Reply::Done | Reply::Served | Reply::Value(_) => Err(mismatch()),
        }
    }

    /// Creates a copy: an interpreter with the same state, which then runs independently. The state
    /// is `__main__`, the imported modules and everything that they refer to.
    ///
    /// The copy has the policy, the limits and the outputs of the original. It holds ends of the
    /// same channels and references to the same interpreters. Its files are closed, and tasks that
    /// the original started in other interpreters have failed for it. `random` gets a new seed, and
    /// clocks continue. The cost depends on how much the original changed since its creation: one
    /// or two milliseconds if it imported a dozen modules.
    ///
    /// # Errors
    ///
    /// [`Error::NotCopyable`] while the interpreter has an open `os.scandir` iterator,
    /// [`Error::Capacity`] if the runtime is full, and [`Error::NoMemory`] if the system refuses
    /// memory; the original stays usable after these. [`Error::Running`] and [`Error::Closed`] if
    /// it is in use or gone.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let ready = runtime.interpreter().build()?;
    /// ready.exec("import json, decimal; table = {}")?;
    /// let copy = ready.copy()?;
    /// copy.exec("table['a'] = json.loads('1')")?;
    /// assert_eq!(ready.eval("len(table)")?.as_i64(), Some(0));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn copy(&self) -> Result<Interpreter> {
        let run = self.0.0.copy(None)?;
        let copy = self.0.0.context.workers.finish(run)?;
        Ok(Interpreter(Arc::new(Owned(copy))))
    }

    /// Copies the interpreter as [`copy`](Self::copy) does. Dropping the future stops the original,
    /// whose state is then unknown.
    pub async fn copy_async(&self) -> Result<Interpreter> {
        let run = self.0.0.copy(None)?;
        let copy = self.0.0.context.workers.finish_async(run).await?;
        Ok(Interpreter(Arc::new(Owned(copy))))
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
    /// assert!(interpreter.eval("x").is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn reset(&self) -> Result<()> {
        let run = self.0.0.reset()?;
        self.0.0.context.workers.finish(run)
    }

    /// Resets the interpreter as [`reset`](Self::reset) does. Dropping the future stops the
    /// interpreter.
    pub async fn reset_async(&self) -> Result<()> {
        let run = self.0.0.reset()?;
        self.0.0.context.workers.finish_async(run).await
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
        self.0.0.is_running()
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
        self.0.0.close()
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
        self.0.0.interrupt(Interruption::Keyboard);
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
        self.0.0.kill();
    }

    /// Returns the island, for tests that drive it by hand.
    #[cfg(test)]
    pub(crate) fn island(&self) -> &Arc<Island> {
        &self.0.0
    }

    /// Returns `given`, or the arguments that the policy grants if `given` is empty.
    fn arguments(&self, given: impl IntoIterator<Item = String>) -> Vec<String> {
        let given: Vec<String> = given.into_iter().collect();
        match given.is_empty() {
            true => self.0.0.settings.policy.parts().args.to_vec(),
            false => given,
        }
    }

    fn blocking(&self, job: Job) -> Result<Reply> {
        let run = self.0.0.start(job)?;
        self.0.0.context.workers.finish(run)
    }

    async fn asynchronous(&self, job: Job) -> Result<Reply> {
        let run = self.0.0.start(job)?;
        self.0.0.context.workers.finish_async(run).await
    }
}

fn done(reply: Reply) -> Result<()> {
    match reply {
        Reply::Done => Ok(()),
        Reply::Exit(status) => Err(Error::Died(exited(status))),
        Reply::Value(_) | Reply::Status(_) | Reply::Served => Err(mismatch()),
    }
}

fn value(reply: Reply) -> Result<Value> {
    match reply {
        Reply::Value(message) => {
            to_value(message).map_err(|refusal| Error::NotShareable(refusal.to_string()))
        }
        other => done(other).and_then(|()| Err(mismatch())),
    }
}

/// Decodes a message; the ends that travel with it are released.
pub(crate) fn to_value(message: Message) -> std::result::Result<Value, Refusal> {
    match message.form {
        Form::Buffer => Ok(Value::MemoryView(message.body)),
        _ => decoded(&message),
    }
}

/// Decodes a message that is still needed; otherwise as [`to_value`].
pub(crate) fn decoded(message: &Message) -> std::result::Result<Value, Refusal> {
    match message.form {
        Form::Buffer => Ok(Value::MemoryView(message.body.clone())),
        Form::Trusted => Err(Refusal::NotShareable("a pickle")),
        Form::Unbound => Err(Refusal::Unbound),
        Form::Plain | Form::Escaped => {
            encoding::decode(&message.body, message.ends.len(), MAX_DEPTH)
        }
    }
}

fn mismatch() -> Error {
    Error::Internal(anyhow::anyhow!("a job returned the reply of another job"))
}

/// A value or a channel end that [`Interpreter::prepare_main`] binds to a name.
#[derive(Debug)]
#[non_exhaustive]
pub enum Binding {
    /// A value, which is copied into the interpreter.
    Value(Value),
    /// A sender, of which the interpreter becomes a holder: an `interpreters.SendChannel`.
    Sender(Sender),
    /// A receiver, of which the interpreter becomes a holder: an `interpreters.RecvChannel`.
    Receiver(Receiver),
}

impl From<Sender> for Binding {
    fn from(end: Sender) -> Self {
        Binding::Sender(end)
    }
}

impl From<Receiver> for Binding {
    fn from(end: Receiver) -> Self {
        Binding::Receiver(end)
    }
}

impl<T: Into<Value>> From<T> for Binding {
    fn from(value: T) -> Self {
        Binding::Value(value.into())
    }
}

fn bind<N: Into<String>>(
    exchange: &Arc<Exchange>,
    bindings: impl IntoIterator<Item = (N, Binding)>,
) -> Result<Message> {
    let mut ends = Vec::new();
    let mut kinds = Vec::new();
    let mut items = Vec::new();
    for (name, binding) in bindings {
        let (kind, end) = match binding {
            Binding::Value(value) => {
                items.push((Value::from(name.into()), value));
                continue;
            }
            Binding::Sender(end) => (HandleKind::Sender, end.into_flight()),
            Binding::Receiver(end) => (HandleKind::Receiver, end.into_flight()),
        };
        let end = end.ok_or(Error::Closed)?;
        if !Arc::ptr_eq(end.exchange(), exchange) {
            let text = "the channel belongs to another runtime (create it with this one)";
            return Err(Error::Config(text.to_owned()));
        }
        debug_assert_eq!(end.side == Side::Sender, kind == HandleKind::Sender);
        let index = u32::try_from(ends.len()).map_err(|_| mismatch())?;
        ends.push(Carried::End(end));
        kinds.push(match kind {
            HandleKind::Sender => Travels::Sender,
            _ => Travels::Receiver,
        });
        items.push((Value::from(name.into()), Value::Handle { kind, index }));
    }
    let encoded = encoding::encode(&Value::Dict(items))
        .and_then(|encoded| {
            // A value can contain `Value::Handle`s of its own, which must refer to ends in this
            // message.
            if encoded.handles > 0 {
                encoding::check_ends(&encoded.body, &kinds, MAX_DEPTH)?;
            }
            Ok(encoded)
        })
        .map_err(|refusal| Error::NotShareable(refusal.to_string()))?;
    Ok(Message::new(encoded, ends))
}
