//! The usage of an interpreter, its limits and its descendants.

use super::Interpreter;
use archipel_core::error::Result;
use archipel_core::limits::Limits;
use archipel_core::usage::Usage;

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
        Usage::of_account(&self.island.account)
    }

    /// Changes the limits that are set in `changes`, and keeps the others.
    /// [`InterpreterBuilder::limits`](crate::InterpreterBuilder::limits) sets the first ones.
    ///
    /// The change takes effect at once, also during a call. A limit that is already exceeded stops
    /// the interpreter at the next check.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for a limit out of range ([`Limits::check`]), and for
    /// `handles` and `depth`, which are fixed when an interpreter is created.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// interpreter.limit(archipel::Limits::new().output(1 << 20))?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn limit(&self, changes: Limits) -> Result<()> {
        changes.check()?;
        self.island.set_limits(&changes)
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
        let own = &self.island;
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
        self.island.settings.name.as_deref()
    }
}
