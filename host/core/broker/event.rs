//! Events: one-way switches that represent the end of a task.

use super::line::Line;
use super::{Broker, Effects, EventId, Outcome, Parcel, PartyId};

#[derive(Debug)]
pub(super) struct Event {
    pub(super) owner: PartyId,
    pub(super) fired: bool,
    pub(super) line: Line,
}

impl<M: Parcel> Broker<M> {
    /// Creates an event that represents the end of the task that `owner` runs. The event exists until it is
    /// released. The deadlock analysis assumes that, while the owner runs, only the owner can make the event
    /// fire, and that otherwise the host fires the event or starts the owner.
    ///
    /// Returns `None` if more than four billion events exist.
    pub fn create_event(&mut self, owner: PartyId) -> Option<EventId> {
        self.events
            .insert(Event {
                owner,
                fired: false,
                line: Line::new(),
            })
            .map(EventId)
    }

    /// Fires the event: all present and later waits for it end with [`Outcome::Fired`]. Firing it again has no
    /// effect. Returns whether the event exists.
    pub fn fire(&mut self, event: EventId, effects: &mut Effects<M>) -> bool {
        let Some(state) = self.events.get_mut(event.0) else {
            return false;
        };
        state.fired = true;
        while let Some(first) = self.events.get(event.0).and_then(|e| e.line.first()) {
            self.complete(first, Outcome::Fired, None, effects);
        }
        self.settle(effects);
        true
    }

    /// Frees the event. Pending waits for it end with [`Outcome::Closed`]. Returns whether the event existed.
    pub fn release_event(&mut self, event: EventId, effects: &mut Effects<M>) -> bool {
        while let Some(first) = self.events.get(event.0).and_then(|e| e.line.first()) {
            self.complete(first, Outcome::Closed(None), None, effects);
        }
        let existed = self.events.remove(event.0).is_some();
        self.settle(effects);
        existed
    }
}
