//! The handles that a guest holds, which it reports for a copy.

use super::Island;
use crate::exchange::end::End;
use std::sync::Arc;

/// The reported handles, kept alive until the copy has them.
#[derive(Default)]
pub(crate) struct Holdings {
    pub(crate) senders: Vec<End>,
    pub(crate) receivers: Vec<End>,
    pub(crate) interpreters: Vec<Arc<Island>>,
    pub(crate) tasks: u32,
}

/// The state of a report: it is ignored unless it was requested.
#[derive(Default)]
pub(crate) enum Report {
    #[default]
    NotAsked,
    Asked(Holdings),
}

impl Report {
    /// Requests a report.
    pub(crate) fn ask(&mut self) {
        *self = Report::Asked(Holdings::default());
    }

    /// Returns the report, which is empty if none was made.
    pub(crate) fn take(&mut self) -> Holdings {
        match std::mem::take(self) {
            Report::NotAsked => Holdings::default(),
            Report::Asked(holdings) => holdings,
        }
    }
}
