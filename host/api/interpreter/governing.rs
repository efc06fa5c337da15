//! Control of an interpreter by its host: calls, aliases, hidden names, limits, stopping.

use super::{Interpreter, value};
use crate::island::aliases::Target;
use crate::island::calls::arguments;
use crate::island::job::Job;
use archipel_core::alias::{AliasError, Call, HostFn};
use archipel_core::error::Result;
use archipel_core::limits::Limits;
use archipel_core::policy::check_name;
use archipel_core::usage::Usage;
use archipel_core::value::Value;
use std::sync::Arc;

/// A descendant of an interpreter, as [`Interpreter::children`] lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Child {
    /// Its number, unique in its family: among the descendants of one interpreter that a host
    /// created.
    pub id: u64,
    /// The number of its parent.
    pub parent: Option<u64>,
    /// The name that its parent gave it.
    pub name: Option<String>,
    /// True while a job runs in it.
    pub is_running: bool,
    /// Its usage, alone and with its descendants.
    pub usage: Usage,
}

impl Interpreter {
    /// Calls the object bound to `name` in `__main__` and returns its result. A `name` with dots
    /// leads to an attribute.
    ///
    /// # Errors
    ///
    /// As for [`exec`](Self::exec). A missing name raises `AttributeError`, and a result that is
    /// not shareable raises `NotShareableError`.
    /// [`Error::NotShareable`](crate::Error::NotShareable) for an argument that is nested too
    /// deeply or has an unhashable key.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.exec("def greet(name): return f'hello, {name}'")?;
    /// assert_eq!(interpreter.call("greet", ["Ada"])?, "hello, Ada");
    /// assert!(interpreter.call("absent", ["Ada"]).is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn call<A: Into<Value>>(
        &self,
        name: impl Into<String>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Value> {
        let args = args.into_iter().map(Into::into).collect();
        self.blocking(Job::Apply(name.into(), arguments(args, Vec::new())?))
            .and_then(value)
    }

    /// Calls an object as [`call`](Self::call) does.
    pub async fn call_async<A: Into<Value>>(
        &self,
        name: impl Into<String>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Value> {
        let args = args.into_iter().map(Into::into).collect();
        let job = Job::Apply(name.into(), arguments(args, Vec::new())?);
        self.asynchronous(job).await.and_then(value)
    }

    /// Returns the value of a name in `__main__`. A `name` with dots leads to an attribute.
    ///
    /// # Errors
    ///
    /// As for [`eval`](Self::eval); [`Error::Config`](crate::Error::Config) if `name` is not a
    /// valid name.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.exec("answer = 42")?;
    /// assert_eq!(interpreter.get("answer")?, 42);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn get(&self, name: &str) -> Result<Value> {
        check_name("a name of __main__", name)?;
        self.eval(name)
    }

    /// Adds an alias: a host function that scripts call as `name`. Without dots, `name` becomes a
    /// builtin function; with dots, an attribute of a module.
    ///
    /// Arguments and results are copied as data. The function runs on the thread that runs the
    /// script, and its CPU time is charged to the script. So it must not wait, and nothing can stop
    /// the script while it runs. It can use other interpreters, but not the caller, which is
    /// running. A panic in the function is caught and fails the call.
    ///
    /// A running script sees the alias from its next call or task on.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if `name` is not a valid name, if it is the name of
    /// a builtin that is not [hidden](Self::hide), or if an alias would be both a function and a
    /// module.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::AliasError;
    ///
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.alias("settings.get", |call| {
    ///     let (name,): (String,) = call.arguments()?;
    ///     match name.as_str() {
    ///         "colour" => Ok("green".into()),
    ///         _ => Err(AliasError::new(format!("there is no setting {name}"))),
    ///     }
    /// })?;
    /// assert_eq!(interpreter.eval("settings.get('colour')")?, "green");
    /// let error = interpreter.eval("settings.get('size')").unwrap_err();
    /// assert_eq!(error.to_string(), "AliasError: there is no setting size");
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn alias(
        &self,
        name: &str,
        function: impl Fn(Call) -> Result<Value, AliasError> + Send + Sync + 'static,
    ) -> Result<()> {
        self.set_alias(name, HostFn::Direct(Arc::new(function)))
    }

    /// Adds an alias for a function that waits. The function runs on a thread of the blocking pool.
    ///
    /// Stopping the script does not wait for the function, which runs to its end.
    ///
    /// # Errors
    ///
    /// As for [`alias`](Self::alias).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// use std::time::Duration;
    ///
    /// interpreter.alias_blocking("host.sleep", |call| {
    ///     let (millis,): (u64,) = call.arguments()?;
    ///     std::thread::sleep(Duration::from_millis(millis));
    ///     Ok(archipel::Value::None)
    /// })?;
    /// interpreter.exec("host.sleep(10)")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn alias_blocking(
        &self,
        name: &str,
        function: impl Fn(Call) -> Result<Value, AliasError> + Send + Sync + 'static,
    ) -> Result<()> {
        self.set_alias(name, HostFn::Blocking(Arc::new(function)))
    }

    /// Adds an alias for an asynchronous function.
    ///
    /// The future is polled on the thread that runs the script, with Archipel's own tokio timers. A
    /// host that needs its own executor spawns a task there and awaits its result. Stopping the
    /// script drops the future.
    ///
    /// # Errors
    ///
    /// As for [`alias`](Self::alias).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.alias_async("fetch", |call| async move {
    ///     let (path,): (String,) = call.arguments()?;
    ///     Ok(format!("contents of {path}").into())
    /// })?;
    /// assert_eq!(interpreter.eval("fetch('a')")?, "contents of a");
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn alias_async<F>(
        &self,
        name: &str,
        function: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Result<()>
    where
        F: Future<Output = Result<Value, AliasError>> + Send + 'static,
    {
        self.set_alias(
            name,
            HostFn::Async(Arc::new(move |call| Box::pin(function(call)))),
        )
    }

    fn set_alias(&self, name: &str, function: HostFn) -> Result<()> {
        let powers = &self.0.0.powers;
        powers.change(|equipment| equipment.alias(name, Target::Host(function)))
    }

    /// Removes an alias at once, and returns whether it existed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.alias("one", |_| Ok(1.into()))?;
    /// assert!(interpreter.unalias("one"));
    /// assert!(!interpreter.unalias("one"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn unalias(&self, name: &str) -> bool {
        self.0.0.powers.change(|equipment| equipment.unalias(name))
    }

    /// Returns the names of the aliases, hidden ones included, in order.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.alias("one", |_| Ok(1.into()))?;
    /// assert_eq!(interpreter.aliases(), ["one"]);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn aliases(&self) -> Vec<String> {
        self.0.0.powers.with(|equipment| equipment.names())
    }

    /// Hides an alias, a module or a builtin from scripts.
    ///
    /// Scripts cannot call a hidden alias: the host refuses it. Modules and builtins are in the
    /// interpreter's own memory, where a script can find them nevertheless; its policy decides what
    /// it can do with them.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if `name` is not a valid name.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.hide("open")?;
    /// assert!(interpreter.exec("open('x')").is_err());
    /// assert!(interpreter.invoke_hidden("len", ["x"]).is_err(), "it is not hidden");
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn hide(&self, name: &str) -> Result<()> {
        self.0.0.powers.change(|equipment| equipment.hide(name))
    }

    /// Makes a hidden name visible again, and returns whether it was hidden.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if a visible alias has the same name.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.hide("open")?;
    /// assert!(interpreter.expose("open")?);
    /// assert!(!interpreter.expose("open")?);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn expose(&self, name: &str) -> Result<bool> {
        self.0.0.powers.change(|equipment| equipment.expose(name))
    }

    /// Returns the hidden names, in order.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.hide("open")?;
    /// assert_eq!(interpreter.hidden(), ["open"]);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn hidden(&self) -> Vec<String> {
        self.0.0.powers.with(|equipment| equipment.hidden())
    }

    /// Calls a hidden alias, a hidden builtin, or an attribute of a hidden module.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call). A name that is not hidden raises `NameError`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.hide("len")?;
    /// assert_eq!(interpreter.invoke_hidden("len", ["abc"])?, 3);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn invoke_hidden<A: Into<Value>>(
        &self,
        name: impl Into<String>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Value> {
        let args = args.into_iter().map(Into::into).collect();
        self.blocking(Job::InvokeHidden(name.into(), arguments(args, Vec::new())?))
            .and_then(value)
    }

    /// Returns what the interpreter has used, alone and with its descendants. It can be called at
    /// any time.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.exec("sum(range(1000))")?;
    /// assert!(interpreter.usage().of(archipel::LimitKind::Cpu).own > 0);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn usage(&self) -> Usage {
        Usage::of_account(&self.0.0.account)
    }

    /// Changes the limits that are set in `limits`, and keeps the others.
    ///
    /// The change takes effect at once, also during a call. A limit that is already exceeded stops
    /// the interpreter at the next check.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for `handles` and `depth`, which are fixed when an
    /// interpreter is created.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.limit(archipel::Limits::new().output(1 << 20)?)?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn limit(&self, limits: Limits) -> Result<()> {
        self.0.0.set_limits(&limits)
    }

    /// Cancels the jobs that run in the interpreter and in its descendants, with a message.
    ///
    /// Without `unwind`, `archipel.Cancelled` is raised where the script waits or, a few
    /// milliseconds later, where it computes. The script can catch the exception, and clean up in
    /// `finally`. A builtin that computes for long without checking for signals
    /// (`sum(range(10**12))`) runs to its end first. If nothing runs, nothing happens.
    ///
    /// With `unwind`, the script is stopped where it is and cannot catch it: the call returns
    /// [`Error::Cancelled`](crate::Error::Cancelled), and the interpreter is destroyed.
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
    /// interpreter.cancel("too slow", true);
    /// assert!(matches!(call.join(), Ok(Err(archipel::Error::Cancelled(_)))));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn cancel(&self, message: impl Into<String>, unwind: bool) {
        self.0.0.cancel(&message.into(), unwind);
    }

    /// Returns the living descendants, in ascending order of their numbers.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let policy = archipel::Policy::new().children(1, 1)?;
    /// let interpreter = runtime.interpreter().policy(policy).build()?;
    /// interpreter.exec("import archipel; child = archipel.create()")?;
    /// assert_eq!(interpreter.children().len(), 1);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn children(&self) -> Vec<Child> {
        let own = &self.0.0;
        let living = own.family.living();
        let below = living
            .iter()
            .filter(|island| island.id != own.id && own.may_name(island) && !island.is_gone());
        below
            .map(|island| Child {
                id: island.id,
                parent: island.parent_id(),
                name: island.settings.name.as_deref().map(str::to_owned),
                is_running: island.is_running(),
                usage: Usage::of_account(&island.account),
            })
            .collect()
    }

    /// Returns the interpreter's name in logs and reports.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().name("plugin").build()?;
    /// assert_eq!(interpreter.name(), Some("plugin"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.0.0.settings.name.as_deref()
    }
}
