//! Interpreters, as a host sees them.

mod governing;

use crate::channel::{Receiver, Sender};
use crate::exchange::{Carried, Exchange, Form, Message};
use crate::family::Family;
use crate::interrupt::Interruption;
use crate::island::{Handler, Island, LimitReached, Settings};
use crate::job::{Job, Reply, exited};
use crate::output::Output;
use crate::ready::Ready;
use crate::runtime::Runtime;
use archipel_core::broker::Side;
use archipel_core::encoding::{self, MAX_DEPTH, Refusal, Travels};
use archipel_core::error::{Error, LimitKind, Result};
use archipel_core::limits::Limits;
use archipel_core::policy::Policy;
use archipel_core::value::{HandleKind, Value};
use std::sync::Arc;

pub use governing::Child;

/// Settings of an interpreter.
///
/// The defaults: an empty [`Policy`], the defaults of [`Limits`], and outputs that are discarded.
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

/// What is called when an interpreter reaches a limit.
pub(crate) type LimitCallback = Arc<dyn Fn(&LimitReached) -> Option<u64> + Send + Sync>;

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

    /// What the interpreter may do.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How much it may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where its standard output goes, and that of its children.
    pub fn stdout(mut self, output: Output) -> Self {
        self.stdout = output;
        self
    }

    /// Where its standard error goes, and that of its children.
    pub fn stderr(mut self, output: Output) -> Self {
        self.stderr = output;
        self
    }

    /// What the interpreter is called in logs and reports; to its own code it means nothing.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// Calls `callback` when the interpreter, or its descendants together, reach a limit.
    ///
    /// What it returns is the new limit, with which the interpreter goes on where it was; with `None`,
    /// or with a limit that is passed already, what happens is what happens without a callback.  It is
    /// called for memory, CPU time, wall time and output, on the thread that runs the interpreter,
    /// so it must be quick, and it must not use the interpreter.  It is not called again while it
    /// runs.  A callback that panics counts as one that returns `None`.
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
    ///         // Nobody gets more than three seconds.
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

    /// The interpreter.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] when the runtime has no room, and [`Error::Config`] when a granted
    /// directory has gone or the memory limit is less than an interpreter needs.
    pub fn build(self) -> Result<Interpreter> {
        let context = self.runtime.0.clone();
        context.workers.block_on(self.create())?
    }

    /// As [`build`](Self::build), for asynchronous hosts.
    pub async fn build_async(self) -> Result<Interpreter> {
        let context = self.runtime.0.clone();
        context.workers.join(self.create()).await?
    }

    async fn create(self) -> Result<Interpreter> {
        let context = &self.runtime.0;
        if self.limits.get(LimitKind::Fuel).is_some() && !context.counts_fuel {
            return Err(Error::Config(
                "a fuel limit needs a runtime that counts fuel: Runtime::builder().fuel(true)"
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
            self.runtime.1.as_ref().and_then(Ready::take),
        )
        .await
        .map_err(|error| match error {
            Error::LimitExceeded {
                kind: LimitKind::Memory,
                limit,
                used,
            } => Error::Config(format!(
                "a memory limit of {} is too little: an interpreter needs {} from the start",
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

/// A Python interpreter in a memory of its own.
///
/// It does one thing at a time; a call while another runs is refused with [`Error::Running`].
/// Clones are the same interpreter, which is stopped and destroyed, with all its descendants, when
/// the last clone is dropped.
///
/// Every call has a blocking form and an `_async` twin.  A blocking call must not be made in a
/// task of a single-threaded executor that others wait for.  Dropping the future of an `_async`
/// call stops the interpreter.
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
    /// Runs source text in `__main__`.
    ///
    /// # Errors
    ///
    /// [`Error::Raised`] when an exception was not caught; otherwise the interpreter is in use or
    /// gone.
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

    /// As [`exec`](Self::exec), for asynchronous hosts.
    pub async fn exec_async(&self, source: impl Into<String>) -> Result<()> {
        self.asynchronous(Job::Exec(source.into()))
            .await
            .and_then(done)
    }

    /// The value of an expression in `__main__`.
    ///
    /// # Errors
    ///
    /// As for [`exec`](Self::exec); a value that is not shareable raises `NotShareableError`.
    pub fn eval(&self, source: impl Into<String>) -> Result<Value> {
        self.blocking(Job::Eval(source.into())).and_then(value)
    }

    /// As [`eval`](Self::eval), for asynchronous hosts.
    pub async fn eval_async(&self, source: impl Into<String>) -> Result<Value> {
        self.asynchronous(Job::Eval(source.into()))
            .await
            .and_then(value)
    }

    /// Binds values and channel ends as names of `__main__`.
    ///
    /// # Errors
    ///
    /// [`Error::NotShareable`] for a value that is nested too deep or has an unhashable key, and
    /// [`Error::Config`] for a channel of another runtime.
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

    /// As [`prepare_main`](Self::prepare_main), for asynchronous hosts.
    pub async fn prepare_main_async<N: Into<String>>(
        &self,
        bindings: impl IntoIterator<Item = (N, Binding)>,
    ) -> Result<()> {
        let message = bind(&self.0.0.context.exchange, bindings)?;
        self.asynchronous(Job::Bind(message)).await.and_then(done)
    }

    /// Runs a script to its end, as `python3 name arguments...` would: with `__name__` being
    /// `__main__`, its arguments in `sys.argv`, exit functions at the end, and the traceback of an
    /// uncaught exception on standard error.  Returns the exit status.
    ///
    /// Where no arguments are given, the script has those that the policy grants
    /// ([`Policy::args`](crate::Policy::args)).
    ///
    /// `name` is what tracebacks call the script: a path, `<string>` or `<stdin>`.  Where the script's
    /// folder on the host was granted, modules beside it can be imported.
    ///
    /// # Errors
    ///
    /// When the interpreter is in use, gone, or stopped; never for what the script does.
    pub fn run(
        &self,
        source: impl Into<Vec<u8>>,
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<u8> {
        let name = name.into();
        let directory = self.0.0.settings.policy.guest_folder_of(&name);
        if let Some(folder) = &directory {
            // Of a second script the children do not learn.
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

    /// Another interpreter with the same state: imported modules with all that belongs to them,
    /// `__main__`, and whatever they refer to.  It goes on by itself.
    ///
    /// The copy has the policy, the limits and the outputs of the original.  It holds ends of the same
    /// channels, and references to the same interpreters.  Files are closed in it, and tasks that
    /// the original started in other interpreters have failed for it.  `random` is seeded anew, and
    /// clocks go on.  What takes time is what the original changed since it was created: a millisecond
    /// or two where it imported a dozen modules.
    ///
    /// # Errors
    ///
    /// [`Error::NotCopyable`] while the interpreter reads a directory, and [`Error::Capacity`] or
    /// [`Error::NoMemory`] where there is no room: the original can go on then.  Otherwise it is in
    /// use or gone.
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

    /// As [`copy`](Self::copy), for asynchronous hosts.
    pub async fn copy_async(&self) -> Result<Interpreter> {
        let run = self.0.0.copy(None)?;
        let copy = self.0.0.context.workers.finish_async(run).await?;
        Ok(Interpreter(Arc::new(Owned(copy))))
    }

    /// Gives the interpreter the state of a new one, and destroys its descendants.  Its policy and
    /// its limits stay.
    ///
    /// # Errors
    ///
    /// When the interpreter is in use or gone.  When the system refuses memory for a new one, it
    /// stays as it was.
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

    /// As [`reset`](Self::reset), for asynchronous hosts.
    pub async fn reset_async(&self) -> Result<()> {
        let run = self.0.0.reset()?;
        self.0.0.context.workers.finish_async(run).await
    }

    /// Whether a call is running.
    pub fn is_running(&self) -> bool {
        self.0.0.is_running()
    }

    /// Destroys the interpreter and its descendants.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while a call runs, and [`Error::Closed`] when it is gone already.
    pub fn close(&self) -> Result<()> {
        self.0.0.close()
    }

    /// Makes `KeyboardInterrupt` rise in the call that runs now, as Ctrl-C does in a terminal; nothing
    /// happens when none runs.  The interpreter stays.
    ///
    /// It rises between two instructions of Python code, in a wait (a receive, a send, a sleep, a select), and in
    /// long C code that looks for signals, such as a regular expression or the multiplication of large
    /// numbers: after 10 ms at the most, where a processor is free.  It does not rise in other C code, such as
    /// `sum(range(10**12))`, before that ends; in a call of a child, which goes on; nor in a read from standard
    /// input or from the network.  [`kill`](Self::kill) ends these too.
    ///
    /// A handler that the script gave to `signal.signal(signal.SIGINT, handler)` is called instead.
    /// The code can catch what rises, and go on.  Further requests before it has risen are the same
    /// request; one that was not heeded until the call ended is void.
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
    /// interpreter.exec("x = 'it goes on'")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn interrupt(&self) {
        self.0.0.interrupt(Interruption::Keyboard);
    }

    /// Stops whatever runs in the interpreter, wherever it is, and destroys it and its
    /// descendants.  A call that was running returns [`Error::Killed`].  Doing it twice is
    /// harmless.
    pub fn kill(&self) {
        self.0.0.kill();
    }

    /// The island that it is, for tests that run it by hand.
    #[cfg(test)]
    pub(crate) fn island(&self) -> &Arc<Island> {
        &self.0.0
    }

    /// The arguments of a script: if it was given none, those that the policy grants.
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

/// The value of a message; the ends that travel with it are released.
pub(crate) fn to_value(message: Message) -> std::result::Result<Value, Refusal> {
    match message.form {
        Form::Buffer => Ok(Value::MemoryView(message.body)),
        _ => decoded(&message),
    }
}

/// As [`to_value`], of a message that is still needed.
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
    Error::Internal(anyhow::anyhow!("a job was answered with another's reply"))
}

/// What a name of `__main__` can be bound to from outside.
#[derive(Debug)]
#[non_exhaustive]
pub enum Binding {
    /// A value.
    Value(Value),
    /// The sending end of a channel, which the interpreter then holds too: an
    /// `interpreters.SendChannel`.
    Sender(Sender),
    /// The receiving end of a channel: an `interpreters.RecvChannel`.
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
            let text = "a channel of another runtime cannot be given to an interpreter of this one";
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
            // A value can have places of ends in it too, which must be those that travel along.
            if encoded.handles > 0 {
                encoding::check_ends(&encoded.body, &kinds, MAX_DEPTH)?;
            }
            Ok(encoded)
        })
        .map_err(|refusal| Error::NotShareable(refusal.to_string()))?;
    Ok(Message::new(encoded, ends))
}
