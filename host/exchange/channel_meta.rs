//! The metadata of channels, which all of their ends share.

use super::kept::KeptCharge;
use archipel_core::trust::Trust;
use std::sync::OnceLock;

/// The fate of a message whose sender is destroyed before it is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unbound {
    Keep,
    Remove,
    Error,
    Replace,
}

/// The properties of a channel, shared by all of its ends.
#[derive(Debug)]
pub(crate) struct ChannelMeta {
    /// The trust of the interpreter that created the channel. `None` if the host did.
    pub(crate) owner: Option<Trust>,
    /// The default for messages that do not specify it.
    pub(crate) unbound: Unbound,
    /// The reason with which the channel was poisoned, if it was, and its charge.
    pub(crate) poison: OnceLock<(Vec<u8>, KeptCharge)>,
}

impl ChannelMeta {
    pub(crate) fn new(owner: Option<Trust>, unbound: Unbound) -> Self {
        ChannelMeta {
            owner,
            unbound,
            poison: OnceLock::new(),
        }
    }
}
