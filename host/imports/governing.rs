//! Control of descendants by a guest, except for running code in them.

use crate::island::aliases::{MOST_NUMBER, Target};
use crate::island::bindings::archipel::island::interpreters::{
    Refusal, Settings as ChildSettings, Used,
};
use crate::island::context::Context;
use crate::island::owner::Handler;
use crate::island::turns::Turns;
use crate::island::{Island, Settings};
use crate::telemetry;
use archipel_core::encoding::{self, MAX_DEPTH};
use archipel_core::error::{Capability, ConfigKind, Error, LimitKind, Result};
use archipel_core::ledger::Account;
use archipel_core::limits::Limits;
use archipel_core::policy::{Hold, Narrowing, Policy, Request};
use archipel_core::usage::Usage;
use std::sync::Arc;

/// The maximum length of an encoded policy from a guest, in bytes.
const LONGEST_POLICY: usize = 128 << 10;

/// The maximum size of a decoded policy, in bytes: each part counts 32, and shared parts count each
/// time.
const LARGEST_POLICY: usize = 2 << 20;

/// The maximum length of an interpreter's name, in bytes.
const LONGEST_NAME: usize = 128;

/// Returns the settings of a child that `own` creates with the requested ones.
pub(super) async fn settings(
    own: &Arc<Island>,
    asked: ChildSettings,
) -> std::result::Result<Settings, Refusal> {
    let mut settings = own.settings_of_child(asked.trusted);
    let wanted = limits(&asked.limits).map_err(refusal)?;
    if let Some(kind) = wanted.beyond_where_set(|kind| own.account.tightest(kind)) {
        let most = own.account.tightest(kind).unwrap_or(u64::MAX);
        let what = format!(
            "the {kind} limit of a child is at most {}, the limit of its parent",
            kind.show(most)
        );
        telemetry::denied(&own.subject, &what);
        return Err(Refusal::Denied(what));
    }
    if let Some(policy) = asked.policy {
        let policy = policy_asked(own, &policy).await;
        settings.policy = policy.map_err(|error| match error {
            Error::Denied(denial) => {
                telemetry::denied(&own.subject, &denial);
                Refusal::Denied(denial.text)
            }
            Error::Exhausted(_) => no_room(),
            error => refusal(error),
        })?;
    }
    settings.limits = wanted.within(&settings.limits);
    if let Some(name) = asked.name {
        settings.name = Some(checked_name(&name).map_err(refusal)?.into());
    }
    Ok(settings)
}

/// Returns the context of a child with the image of that name: one that the policy of `own` grants, or its own. Without
/// a name, it is that of `own`.
///
/// The host has loaded the granted images, so this takes no time. The reasons are for the log: the guest cannot tell an
/// image that it lacks from one that does not exist.
pub(super) fn context(
    own: &Arc<Island>,
    name: Option<&str>,
) -> std::result::Result<Arc<Context>, Refusal> {
    let Some(name) = name else {
        return Ok(own.context.clone());
    };
    if own.context.image.name.as_deref() == Some(name) {
        return Ok(own.context.clone());
    }
    if name.len() > LONGEST_NAME {
        let text = format!("the name of an image has at most {LONGEST_NAME} bytes");
        return Err(Refusal::Wrong(text));
    }
    let why = match own.settings.policy.parts().images.contains(name) {
        false => "the policy does not grant it",
        true => match own.context.images.named(name) {
            Some(image) => return Ok(own.context.with_image(image)),
            None => "the runtime has not loaded it",
        },
    };
    telemetry::denied(&own.subject, format!("the image {name:?}: {why}"));
    Err(Refusal::Denied(format!(
        "the image {name:?} is not available"
    )))
}

/// Decodes the requested policy, a marshalled dict, and narrows the policy of `own` to it. A
/// request for more is denied.
///
/// The size of the request bounds the time, to a few milliseconds for each step. Directories are
/// opened on the blocking pool.
async fn policy_asked(own: &Arc<Island>, asked: &[u8]) -> Result<Policy> {
    if asked.len() > LONGEST_POLICY {
        return Err(Error::config(
            ConfigKind::Message,
            format!("the policy of a child is larger than {LONGEST_POLICY} bytes"),
        ));
    }
    let mut turns = Turns::begin();
    let value =
        encoding::decode_within(asked, 0, MAX_DEPTH, LARGEST_POLICY).map_err(|refusal| {
            Error::config(
                ConfigKind::Message,
                format!("cannot read the policy: {refusal}"),
            )
        })?;
    turns.pass().await;
    let request = Request::from_value(&value)?;
    turns.pass().await;
    let mut narrowing = Narrowing::begin(&own.settings.policy, request)?;
    let wanted = narrowing.unopened();
    if wanted > 0 {
        // All descriptors are counted before the first directory is opened.
        let held = std::iter::repeat_with(|| own.family.descriptors.take(1)).take(wanted);
        let held = held.map(|held| Some(Box::new(held?) as Hold));
        let Some(mut holds) = held.collect::<Option<Vec<Hold>>>() else {
            telemetry::few_descriptors(&own.subject);
            return Err(Error::Exhausted(
                "file descriptor budget exhausted (raise `ulimit -n`)".to_owned(),
            ));
        };
        let mut done = false;
        while !done {
            let work = move || {
                let done = narrowing.open(&mut holds);
                (narrowing, holds, done)
            };
            let opened;
            (narrowing, holds, opened) = own.context.offload.system(&own.account, work).await?;
            done = opened?;
        }
    }
    turns.pass().await;
    narrowing.end()
}

/// The refusal of a child for which the system lacks memory, threads or files.
pub(super) fn no_room() -> Refusal {
    Refusal::Unfit("the system is out of memory, threads or files".to_owned())
}

fn refusal(error: Error) -> Refusal {
    Refusal::Wrong(error.to_string())
}

/// Checks the name of an interpreter.
pub(crate) fn checked_name(name: &str) -> Result<&str> {
    let fits = !name.is_empty() && name.len() <= LONGEST_NAME;
    match fits && !name.chars().any(char::is_control) {
        true => Ok(name),
        false => Err(Error::config(
            ConfigKind::Message,
            format!(
                "an interpreter's name has 1 to {LONGEST_NAME} bytes and no control characters"
            ),
        )),
    }
}

fn limits(asked: &[(String, u64)]) -> Result<Limits> {
    let kinds = LimitKind::ALL.len();
    if asked.len() > kinds {
        return Err(Error::config(
            ConfigKind::Message,
            format!(
                "{} limits are too many: give each of the {kinds} kinds at most once",
                asked.len()
            ),
        ));
    }
    let limits = asked
        .iter()
        .try_fold(Limits::new(), |limits, (name, value)| {
            Ok::<_, Error>(limits.with(kind(name)?, *value))
        })?;
    limits.check()?;
    Ok(limits)
}

fn kind(name: &str) -> Result<LimitKind> {
    LimitKind::named(name).ok_or_else(|| {
        let names: Vec<_> = LimitKind::ALL.iter().map(|kind| kind.name()).collect();
        let names = names.join(", ");
        Error::config(
            ConfigKind::Message,
            format!(
                "unknown limit {:?} (use one of {names})",
                name.chars().take(40).collect::<String>()
            ),
        )
    })
}

pub(super) fn alias(own: &Arc<Island>, child: &Arc<Island>, name: &str, target: u32) -> Result<()> {
    if target > MOST_NUMBER {
        return Err(Error::config(
            ConfigKind::Message,
            "there is no function with that number".to_owned(),
        ));
    }
    let function = own.function(target, child)?;
    child
        .aliases
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
        return Err(Error::denied(
            Capability::Limit(kind),
            format!(
                "the {kind} limit of a child is at most {}, the limit of its parent",
                kind.show(most)
            ),
        ));
    }
    child.set_limits(&wanted)?;
    if let Some(number) = on_limit.filter(|number| *number <= MOST_NUMBER) {
        let function = own.function(number, child)?;
        child.owner.set(Some(Handler::Guest(function)));
    }
    Ok(())
}

/// Returns what `account` has used, for a guest.
///
/// For a guest with a frozen clock the CPU time is 0, because it would be a clock.
pub(super) fn usage(account: &Account, clock_stands: bool) -> Vec<Used> {
    let usage = Usage::of_account(account);
    let used = usage.iter().map(|(kind, used)| {
        let (own, subtree) = match kind {
            LimitKind::Cpu if clock_stands => (0, 0),
            _ => (used.own, used.subtree),
        };
        Used {
            kind: kind.name().to_owned(),
            limit: used.limit,
            own,
            subtree,
        }
    });
    used.collect()
}
