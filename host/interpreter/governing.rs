//! How a host governs an interpreter: aliases, what is hidden, limits, stopping.

use super::{Interpreter, value};
use crate::imports::arguments;
use crate::island::Target;
use crate::job::Job;
use archipel_core::alias::{AliasError, Call, HostFn};
use archipel_core::error::Result;
use archipel_core::limits::Limits;
use archipel_core::policy::check_name;
use archipel_core::usage::Usage;
use archipel_core::value::Value;
use std::sync::Arc;

/// An interpreter that another one created, for a host that wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Child {
    /// Its number among the descendants of one interpreter that a host created.
    pub id: u64,
    /// The number of its creator.
    pub parent: Option<u64>,
    /// What its creator called it.
    pub name: Option<String>,
    /// Whether a job is running in it.
    pub is_running: bool,
    /// What it has used.
    pub usage: Usage,
}

impl Interpreter {
    /// Calls what `name` is in `__main__`, which may have dots in it, and returns the result.
    ///
    /// # Errors
    ///
    /// As for [`exec`](Self::exec); a name that is not there raises `AttributeError`, a result that is
    /// not shareable `NotShareableError`.  [`Error::NotShareable`](crate::Error::NotShareable) for an argument that is nested too
    /// deep or has an unhashable key.
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

    /// As [`call`](Self::call), for asynchronous hosts.
    pub async fn call_async<A: Into<Value>>(
        &self,
        name: impl Into<String>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Value> {
        let args = args.into_iter().map(Into::into).collect();
        let job = Job::Apply(name.into(), arguments(args, Vec::new())?);
        self.asynchronous(job).await.and_then(value)
    }

    /// The value of a name of `__main__`, which may have dots in it.
    ///
    /// # Errors
    ///
    /// As for [`eval`](Self::eval).
    pub fn get(&self, name: &str) -> Result<Value> {
        check_name("a name of __main__", name)?;
        self.eval(name)
    }

    /// Lends the interpreter a function of the host's, which scripts call as `name`: an ordinary
    /// function, or, with dots in the name, an attribute of a module.
    ///
    /// What scripts pass is data, and so is what they get.  The function runs on the thread that runs
    /// the script, whose CPU time it takes, so it must not wait; while it runs nothing can stop the
    /// script.  It can use other interpreters, and not the one that calls, which is running.  A panic
    /// in it is caught, and fails the call.
    ///
    /// A running script finds the alias with the next thing that it is asked to do.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for what is no name, for the name of a builtin that is not
    /// [hidden](Self::hide), and when an alias would be both a function and a module.
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

    /// As [`alias`](Self::alias), for a function that waits: it runs on a thread of its own.
    ///
    /// A script that is stopped meanwhile is stopped at once; the function goes on to its end.
    ///
    /// # Errors
    ///
    /// As for [`alias`](Self::alias).
    pub fn alias_blocking(
        &self,
        name: &str,
        function: impl Fn(Call) -> Result<Value, AliasError> + Send + Sync + 'static,
    ) -> Result<()> {
        self.set_alias(name, HostFn::Blocking(Arc::new(function)))
    }

    /// As [`alias`](Self::alias), for an asynchronous function.
    ///
    /// Its future is polled where the script runs, within tokio timers of Archipel's own; a host that
    /// needs its own executor spawns there and awaits the result.  A script that is stopped drops it.
    ///
    /// # Errors
    ///
    /// As for [`alias`](Self::alias).
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

    /// Takes an alias away, at once, and says whether there was one.
    pub fn unalias(&self, name: &str) -> bool {
        self.0.0.powers.change(|equipment| equipment.unalias(name))
    }

    /// The names of the aliases that the interpreter has, hidden ones included, in order.
    pub fn aliases(&self) -> Vec<String> {
        self.0.0.powers.with(|equipment| equipment.names())
    }

    /// Takes an alias, a module or a builtin out of the scripts' sight.
    ///
    /// For an alias that is a matter of what they can do.  Modules and builtins are in the
    /// interpreter's own memory, where a script that looks for them may find them: what it can do
    /// with them is in its policy.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for what is no name.
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

    /// Ends hiding, and says whether it was hidden.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) while an alias has the name.
    pub fn expose(&self, name: &str) -> Result<bool> {
        self.0.0.powers.change(|equipment| equipment.expose(name))
    }

    /// The names of all that is hidden, in order.
    pub fn hidden(&self) -> Vec<String> {
        self.0.0.powers.with(|equipment| equipment.hidden())
    }

    /// Calls something that is hidden: an alias, a builtin, or something in a module, by its path.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call); what is not hidden raises `NameError`.
    pub fn invoke_hidden<A: Into<Value>>(
        &self,
        name: impl Into<String>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Value> {
        let args = args.into_iter().map(Into::into).collect();
        self.blocking(Job::InvokeHidden(name.into(), arguments(args, Vec::new())?))
            .and_then(value)
    }

    /// What the interpreter has used, and its descendants with it.  It can be asked at any time.
    pub fn usage(&self) -> Usage {
        Usage::of_account(&self.0.0.account)
    }

    /// Sets the limits that are set in `limits`, and leaves the others as they are.
    ///
    /// It can be done at any time, and counts at once; one that is passed already stops the
    /// interpreter when it is checked next.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for `handles` and `depth`, which are fixed while an interpreter exists.
    pub fn limit(&self, limits: Limits) -> Result<()> {
        self.0.0.set_limits(&limits)
    }

    /// Cancels what runs in the interpreter and in its descendants, with a message.
    ///
    /// `archipel.Cancelled` is raised where a script waits, and, a few milliseconds later at the most,
    /// where it computes.  A script can catch that, and can clean up in `finally`; one builtin that
    /// computes for long without looking (`sum(range(10**12))`) goes on until it is done.  With `unwind`
    /// it is stopped where it is, which it cannot catch: the call returns [`Error::Cancelled`](crate::Error::Cancelled), and
    /// the interpreter is gone.  Where nothing runs, nothing happens without `unwind`.
    pub fn cancel(&self, message: impl Into<String>, unwind: bool) {
        self.0.0.cancel(&message.into(), unwind);
    }

    /// The living descendants, in ascending order of their numbers.
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

    /// What the interpreter is called in logs and reports.
    pub fn name(&self) -> Option<&str> {
        self.0.0.settings.name.as_deref()
    }
}
