//! What an interpreter may do to its descendants, besides running code in them.

use crate::bindings::archipel::island::interpreters::{Refusal, Settings as Asked, Used};
use crate::encoding::{self, MAX_DEPTH};
use crate::error::{Error, LimitKind, Result};
use crate::island::{Handler, Island, MOST_NUMBER, Settings, Target};
use crate::ledger::Account;
use crate::limits::Limits;
use crate::policy::{Policy, Request};
use crate::telemetry;
use crate::usage::Usage;
use std::sync::Arc;

/// The longest policy that a guest asks for, in bytes.  What it becomes in the host takes some thirty times
/// as much, for as long as the child lives.
const LONGEST_POLICY: usize = 128 << 10;

/// The longest name of an interpreter, in bytes.
const LONGEST_NAME: usize = 128;

/// What a child of `own` is created with when that is asked for.
pub(super) fn settings(own: &Island, asked: Asked) -> std::result::Result<Settings, Refusal> {
    let mut settings = own.settings_of_child(asked.trusted);
    let wanted = limits(&asked.limits).map_err(refusal)?;
    if let Some(kind) = wanted.beyond_where_set(|kind| own.account.tightest(kind)) {
        let most = own.account.tightest(kind).unwrap_or(u64::MAX);
        let what = format!(
            "the {kind} limit of a child can be {} at the most, as that of its creator",
            kind.show(most)
        );
        telemetry::denied(own, &what);
        return Err(Refusal::Denied(what));
    }
    if let Some(policy) = asked.policy {
        settings.policy = policy_asked(own, &policy).map_err(|error| match error {
            Error::Denied(what) => {
                telemetry::denied(own, &what);
                Refusal::Denied(what)
            }
            error => refusal(error),
        })?;
    }
    settings.limits = wanted.within(&settings.limits);
    if let Some(name) = asked.name {
        settings.name = Some(checked_name(&name).map_err(refusal)?.into());
    }
    Ok(settings)
}

/// The policy that is asked for, a marshalled dict, unless it is more than `own` has.
fn policy_asked(own: &Island, asked: &[u8]) -> Result<Policy> {
    if asked.len() > LONGEST_POLICY {
        return Err(Error::Config(format!(
            "the policy of a child is larger than {LONGEST_POLICY} bytes"
        )));
    }
    let value = encoding::decode(asked, 0, MAX_DEPTH)
        .map_err(|refusal| Error::Config(format!("the policy cannot be read: {refusal}")))?;
    own.settings.policy.narrowed(&Request::from_value(&value)?)
}

fn refusal(error: Error) -> Refusal {
    Refusal::Wrong(error.to_string())
}

/// Checks what an interpreter is to be called.
pub(crate) fn checked_name(name: &str) -> Result<&str> {
    let fits = !name.is_empty() && name.len() <= LONGEST_NAME;
    match fits && !name.chars().any(char::is_control) {
        true => Ok(name),
        false => Err(Error::Config(format!(
            "the name of an interpreter has from 1 to {LONGEST_NAME} bytes, and no control characters"
        ))),
    }
}

fn limits(asked: &[(String, u64)]) -> Result<Limits> {
    asked
        .iter()
        .try_fold(Limits::new(), |limits, (name, value)| {
            limits.with(kind(name)?, *value)
        })
}

fn kind(name: &str) -> Result<LimitKind> {
    LimitKind::named(name).ok_or_else(|| {
        let names = LimitKind::ALL.map(LimitKind::name).join(", ");
        Error::Config(format!(
            "there is no limit called {:?}; there are {names}",
            name.chars().take(40).collect::<String>()
        ))
    })
}

pub(super) fn alias(own: &Arc<Island>, child: &Arc<Island>, name: &str, target: u32) -> Result<()> {
    if target > MOST_NUMBER {
        return Err(Error::Config(
            "there is no function of that number".to_owned(),
        ));
    }
    let function = own.function(target, child)?;
    child
        .powers
        .change(|equipment| equipment.alias(name, Target::Guest(function)))
}

pub(super) fn set_limits(
    own: &Arc<Island>,
    child: &Arc<Island>,
    asked: &[(String, u64)],
    on_limit: Option<u32>,
) -> Result<()> {
    let wanted = limits(asked)?;
    if let Some(kind) = wanted.beyond_where_set(|kind| own.account.tightest(kind)) {
        let most = own.account.tightest(kind).unwrap_or(u64::MAX);
        return Err(Error::Denied(format!(
            "the {kind} limit of a child can be {} at the most, as that of its creator",
            kind.show(most)
        )));
    }
    child.set_limits(&wanted)?;
    if let Some(number) = on_limit.filter(|number| *number <= MOST_NUMBER) {
        let function = own.function(number, child)?;
        child.owner.set(Some(Handler::Guest(function)));
    }
    Ok(())
}

pub(super) fn usage(account: &Account) -> Vec<Used> {
    let usage = Usage::of_account(account);
    let used = usage.iter().map(|(kind, used)| Used {
        kind: kind.name().to_owned(),
        limit: used.limit,
        alone: used.own,
        subtree: used.subtree,
    });
    used.collect()
}
