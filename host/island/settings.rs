//! The settings of interpreters, and what children inherit of them.

use super::Island;
use crate::output::Output;
use archipel_core::error::{ConfigKind, Error, LimitKind, Result};
use archipel_core::limits::Limits;
use archipel_core::policy::{Children, Policy};
use std::sync::Arc;

/// The settings with which an interpreter is created.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    /// Its name in logs and reports.
    pub(crate) name: Option<Arc<str>>,
    /// True if it is in the trust domain of its parent.
    pub(crate) trusted: bool,
}

impl Settings {
    /// Narrows the policy to the generations of descendants that the limits allow.
    pub(super) fn narrowed(mut self) -> Settings {
        if let Some(depth) = self.limits.get(LimitKind::Depth) {
            let depth = u32::try_from(depth).unwrap_or(u32::MAX);
            let granted = self.policy.parts().children;
            let granted = granted.map(|own| Children::new(own.count, own.depth.min(depth)));
            self.policy
                .set_children(granted.filter(|children| children.depth > 0));
        }
        self
    }

    /// Returns the limits for its account: those that were set, and the number of children that the
    /// policy grants.
    pub(super) fn account_limits(&self) -> Limits {
        let granted = self
            .policy
            .parts()
            .children
            .map_or(0, |children| children.count);
        self.limits.with_children_at_most(u64::from(granted))
    }
}

impl Island {
    /// Changes the limits that are set in `limits`, up to what the policy grants.
    pub(crate) fn set_limits(&self, limits: &Limits) -> Result<()> {
        for fixed in [LimitKind::Handles, LimitKind::Depth] {
            if limits.get(fixed).is_some() {
                return Err(Error::config(
                    ConfigKind::Limit(fixed),
                    format!("the {fixed} limit is fixed when an interpreter is created"),
                ));
            }
        }
        let granted = self.settings.policy.parts().children;
        let granted = granted.map_or(0, |children| u64::from(children.count));
        for &kind in LimitKind::ALL {
            if let Some(limit) = limits.get(kind) {
                let limit = match kind {
                    LimitKind::Children => limit.min(granted),
                    _ => limit,
                };
                self.account.set_limit(kind, Some(limit));
            }
        }
        if limits.get(LimitKind::Recursion).is_some() {
            self.aliases.renew();
        }
        Ok(())
    }

    /// Returns the settings of a child that asks for none of its own.
    pub(crate) fn settings_of_child(&self, trusted: bool) -> Settings {
        Settings {
            policy: self.policy_of_child(trusted),
            name: None,
            trusted,
            ..self.settings.clone()
        }
    }

    fn policy_of_child(&self, trusted: bool) -> Policy {
        let mut policy = self.settings.policy.of_child(trusted);
        if let (true, Some(folder)) = (trusted, self.script_folder.get()) {
            policy.look_first_in(folder.clone());
        }
        policy
    }
}
