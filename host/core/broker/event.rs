//! Events: one-way switches that stand for the end of a task.

use super::line::Line;
use super::{Broker, Effects, EventId, Outcome, Parcel, PartyId};

#[derive(Debug)]
pub(super) struct Event {
    pub(super) owner: PartyId,
    pub(super) fired: bool,
    pub(super) line: Line,
}

impl<M: Parcel> Broker<M> {
    /// Makes an event that stands for "the task that `owner` runs has finished". It lasts until
    /// it is released. While the owner runs, only the owner can bring it about, as far as the
    /// analysis of deadlocks is concerned; while it does not run, the host is trusted to fire the
    /// event or to start the owner.
    ///
    /// Returns `None` when there are too many events to number, which is beyond four billion.
    pub fn create_event(&mut self, owner: PartyId) -> Option<EventId> {
        self.events
            .insert(Event {
                owner,
                fired: false,
                line: Line::new(),
            })
            .map(EventId)
    }

    /// Fires the event: all waits for it end with [`Outcome::Fired`], now and later. Firing it
    /// again changes nothing. Returns whether the event exists.
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

    /// Frees the event. Waits for it that did not see it fired end with
    /// [`Outcome::Closed`]. Returns whether the event existed.
    pub fn release_event(&mut self, event: EventId, effects: &mut Effects<M>) -> bool {
        while let Some(first) = self.events.get(event.0).and_then(|e| e.line.first()) {
            self.complete(first, Outcome::Closed(None), None, effects);
        }
        let existed = self.events.remove(event.0).is_some();
        self.settle(effects);
        existed
    }
}
