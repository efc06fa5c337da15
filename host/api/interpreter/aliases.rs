//! Aliases and hidden names of an interpreter.

use super::reply::typed;
use super::{Interpreter, arguments};
use crate::island::aliases::Target;
use crate::island::job::Job;
use archipel_core::alias::{AliasError, Call, HostFn};
use archipel_core::args::Args;
use archipel_core::error::Result;
use archipel_core::value::{FromValue, Value};
use std::sync::Arc;

impl Interpreter {
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
    /// assert_eq!(interpreter.eval::<String>("settings.get('colour')")?, "green");
    /// let error = interpreter.eval::<String>("settings.get('size')").unwrap_err();
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
    /// assert_eq!(interpreter.eval::<String>("fetch('a')")?, "contents of a");
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
        let aliases = &self.island.aliases;
        aliases.change(|equipment| equipment.alias(name, Target::Host(function)))
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
        self.island
            .aliases
            .change(|equipment| equipment.unalias(name))
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
        self.island.aliases.with(|equipment| equipment.names())
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
    /// assert!(interpreter.invoke_hidden::<i64>("len", ("x",)).is_err(), "it is not hidden");
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn hide(&self, name: &str) -> Result<()> {
        self.island.aliases.change(|equipment| equipment.hide(name))
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
        self.island
            .aliases
            .change(|equipment| equipment.expose(name))
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
        self.island.aliases.with(|equipment| equipment.hidden())
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
    /// assert_eq!(interpreter.invoke_hidden::<i64>("len", ("abc",))?, 3);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn invoke_hidden<R: FromValue>(
        &self,
        name: impl Into<String>,
        args: impl Into<Args>,
    ) -> Result<R> {
        let job = Job::InvokeHidden(name.into(), arguments(args.into())?);
        self.blocking(job).and_then(typed)
    }

    /// Calls a hidden name as [`invoke_hidden`](Self::invoke_hidden) does.
    pub async fn invoke_hidden_async<R: FromValue>(
        &self,
        name: impl Into<String>,
        args: impl Into<Args>,
    ) -> Result<R> {
        let job = Job::InvokeHidden(name.into(), arguments(args.into())?);
        self.asynchronous(job).await.and_then(typed)
    }
}
