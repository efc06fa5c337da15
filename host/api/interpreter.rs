//! The public handle of an interpreter, and the code that runs in it.

mod aliases;
mod binding;
mod builder;
mod governing;
mod life;
mod reply;

use crate::exchange::message::Message;
use crate::island::Island;
use crate::island::calls;
use crate::island::job::{Job, Reply};
use archipel_core::args::Args;
#[cfg(doc)]
use archipel_core::error::Error;
use archipel_core::error::Result;
use archipel_core::policy::check_name;
use archipel_core::value::FromValue;
use binding::bind;
use reply::{done, status, typed};
use std::ops::Deref;
use std::sync::Arc;

pub use binding::Binding;
pub use builder::InterpreterBuilder;
pub use governing::Child;
pub(crate) use reply::{decoded, to_value};

/// A Python interpreter with its own memory.
///
/// It runs one call at a time; a second call returns [`Error::Running`]. Clones are handles of
/// the same interpreter. Dropping the last clone stops and destroys the interpreter with all its descendants.
///
/// Each blocking call has an `_async` twin. Do not make a blocking call in a task of a single-threaded executor: it
/// delays all other tasks.
///
/// An `_async` call starts when its future is first polled. Dropping the future before that does nothing. Dropping it
/// while the call runs stops the interpreter: it is destroyed with its descendants, since its state is unknown, and
/// later calls return an error. To stop waiting but let the call continue, run the future in a task of its own.
///
/// # Arguments and results
///
/// [`call`](Self::call) takes a tuple of anything that converts into a [`Value`](crate::Value), or [`Args`] with keyword
/// arguments. [`call`](Self::call), [`eval`](Self::eval) and [`get`](Self::get) return any type that implements
/// [`FromValue`], and [`Error::WrongType`] if the result is of another type:
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// use archipel::{Args, Value};
///
/// let interpreter = runtime.interpreter().build()?;
/// interpreter.exec("def area(width, height, *, scale=1): return width * height * scale")?;
/// let area: f64 = interpreter.call("area", (2, 3.5))?;
/// assert_eq!(area, 7.0);
/// let args = Args::new((1, 2)).keyword("scale", 3);
/// assert_eq!(interpreter.call::<i64>("area", args)?, 6);
/// let any = interpreter.eval::<Value>("[area(1, 1), None]")?;
/// assert_eq!(any.to_string(), "[1, None]");
/// let error = interpreter.eval::<i64>("'x'").unwrap_err();
/// assert_eq!(error.to_string(), "the result has the wrong type: expected int, found str");
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Interpreter {
    island: Arc<Owned>,
}

/// An island that is killed when it is dropped.
struct Owned(Arc<Island>);

impl Deref for Owned {
    type Target = Arc<Island>;

    fn deref(&self) -> &Arc<Island> {
        &self.0
    }
}

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
    /// Creates the handle of an island.
    fn own(island: Arc<Island>) -> Self {
        Interpreter {
            island: Arc::new(Owned(island)),
        }
    }

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
    /// As for [`exec`](Self::exec). A value that is not shareable raises `NotShareableError`, and a value of another
    /// type than `R` is an [`Error::WrongType`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// let sum: i64 = interpreter.eval("sum(range(10))")?;
    /// assert_eq!(sum, 45);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn eval<R: FromValue>(&self, source: impl Into<String>) -> Result<R> {
        self.blocking(Job::Eval(source.into())).and_then(typed)
    }

    /// Evaluates an expression as [`eval`](Self::eval) does.
    pub async fn eval_async<R: FromValue>(&self, source: impl Into<String>) -> Result<R> {
        self.asynchronous(Job::Eval(source.into()))
            .await
            .and_then(typed)
    }

    /// Calls the object bound to `name` in `__main__` and returns its result. A `name` with dots leads to an
    /// attribute. `args` is a tuple of positional arguments, or [`Args`] with keyword arguments.
    ///
    /// # Errors
    ///
    /// As for [`exec`](Self::exec). A missing name raises `AttributeError`, and a result that is not shareable raises
    /// `NotShareableError`. [`Error::NotShareable`] for an argument that is nested too
    /// deeply or has an unhashable key, and [`Error::WrongType`] for a result of another type
    /// than `R`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::Args;
    ///
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.exec("def greet(name, *, word='hello'): return f'{word}, {name}'")?;
    /// assert_eq!(interpreter.call::<String>("greet", ("Ada",))?, "hello, Ada");
    /// let args = Args::new(("Ada",)).keyword("word", "goodbye");
    /// assert_eq!(interpreter.call::<String>("greet", args)?, "goodbye, Ada");
    /// assert!(interpreter.call::<()>("absent", ()).is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn call<R: FromValue>(&self, name: impl Into<String>, args: impl Into<Args>) -> Result<R> {
        let job = Job::Apply(name.into(), arguments(args.into())?);
        self.blocking(job).and_then(typed)
    }

    /// Calls an object as [`call`](Self::call) does.
    pub async fn call_async<R: FromValue>(
        &self,
        name: impl Into<String>,
        args: impl Into<Args>,
    ) -> Result<R> {
        let job = Job::Apply(name.into(), arguments(args.into())?);
        self.asynchronous(job).await.and_then(typed)
    }

    /// Returns the value of a name in `__main__`. A `name` with dots leads to an attribute.
    ///
    /// # Errors
    ///
    /// As for [`eval`](Self::eval); [`Error::Config`] if `name` is not a valid name.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.exec("answer = 42")?;
    /// assert_eq!(interpreter.get::<i64>("answer")?, 42);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn get<R: FromValue>(&self, name: &str) -> Result<R> {
        check_name("a name of __main__", name)?;
        self.eval(name)
    }

    /// Returns the value of a name as [`get`](Self::get) does.
    pub async fn get_async<R: FromValue>(&self, name: &str) -> Result<R> {
        check_name("a name of __main__", name)?;
        self.eval_async(name).await
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
        let message = bind(&self.island.context.exchange, bindings)?;
        self.blocking(Job::Bind(message)).and_then(done)
    }

    /// Binds names as [`prepare_main`](Self::prepare_main) does.
    pub async fn prepare_main_async<N: Into<String>>(
        &self,
        bindings: impl IntoIterator<Item = (N, Binding)>,
    ) -> Result<()> {
        let message = bind(&self.island.context.exchange, bindings)?;
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
        let job = self.script(source.into(), name.into(), arguments);
        self.blocking(job).and_then(status)
    }

    /// Runs a script as [`run`](Self::run) does.
    pub async fn run_async(
        &self,
        source: impl Into<Vec<u8>>,
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<u8> {
        let job = self.script(source.into(), name.into(), arguments);
        self.asynchronous(job).await.and_then(status)
    }

    fn script(
        &self,
        source: Vec<u8>,
        name: String,
        arguments: impl IntoIterator<Item = String>,
    ) -> Job {
        let directory = self.island.settings.policy.guest_folder_of(&name);
        if let Some(folder) = &directory {
            // Children search the folder of the first script only.
            let _ = self.island.script_folder.set(folder.clone());
        }
        Job::Run {
            source,
            directory,
            name,
            arguments: self.arguments(arguments),
        }
    }

    /// Returns the island, for tests that drive it by hand.
    #[cfg(test)]
    pub(crate) fn island(&self) -> &Arc<Island> {
        &self.island
    }

    /// Returns `given`, or the arguments that the policy grants if `given` is empty.
    fn arguments(&self, given: impl IntoIterator<Item = String>) -> Vec<String> {
        let given: Vec<String> = given.into_iter().collect();
        match given.is_empty() {
            true => self.island.settings.policy.parts().args.to_vec(),
            false => given,
        }
    }

    fn blocking(&self, job: Job) -> Result<Reply> {
        let run = self.island.start(job)?;
        self.island.context.workers.finish(run)
    }

    async fn asynchronous(&self, job: Job) -> Result<Reply> {
        let run = self.island.start(job)?;
        self.island.context.workers.finish_async(run).await
    }
}

/// Encodes the arguments of a call.
fn arguments(args: Args) -> Result<Message> {
    let (positional, keywords) = args.into_parts();
    calls::arguments(positional, keywords)
}
