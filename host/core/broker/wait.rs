//! Waits: operations that cannot complete yet.

use std::task::{Poll, Waker};

use super::bond::Bond;
use super::line::{Entry, Load, Place};
use super::slab::NIL;
use super::{Begin, Blocking, Broker, Case, ChannelId, Done, Effects, Outcome, Parcel};
use super::{PartyId, WaitId};

/// The place a received message came from, and to which it returns if it is not delivered.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Origin {
    pub(super) channel: ChannelId,
    pub(super) order: u64,
    pub(super) charge: usize,
    pub(super) bond: Bond,
}

#[derive(Debug)]
pub(super) struct Wait<M> {
    pub(super) party: PartyId,
    timed: bool,
    /// The index of the wait's first entry. The entries are linked by [`Entry::sibling`].
    pub(super) entries: u32,
    waker: Option<Waker>,
    pub(super) done: Option<Done<M>>,
}

#[cfg(test)]
impl<M> Wait<M> {
    pub(super) fn has_result(&self) -> bool {
        self.done.is_some()
    }

    /// Returns the message in the result.
    pub(super) fn received(&self) -> Option<&M> {
        match &self.done {
            Some(done) => match &done.outcome {
                Outcome::Received(message) => Some(message),
                _ => None,
            },
            None => None,
        }
    }
}

impl<M: Parcel> Broker<M> {
    /// Performs one of several cases. If any can complete at once, chooses one of these at random. Otherwise,
    /// if the party wants to wait, the first one that can complete ends the wait. A case that fails at once,
    /// as on a closed channel, counts as one that can complete.
    ///
    /// An untimed wait without cases can never complete and ends as a deadlock.
    pub fn begin(
        &mut self,
        party: PartyId,
        mut cases: Vec<Case<M>>,
        blocking: Blocking,
        effects: &mut Effects<M>,
    ) -> Begin<M, Vec<Case<M>>> {
        if let Some(chosen) = self.choose(party, &cases) {
            match self.attempt(party, cases.remove(chosen), effects) {
                Ok((outcome, origin)) => {
                    self.settle(effects);
                    return Begin::Done(Done {
                        case: chosen,
                        outcome,
                        origin,
                        unsent: cases.into_iter().filter_map(Case::into_message).collect(),
                    });
                }
                Err(case) => cases.insert(chosen, case),
            }
        }
        let Blocking::Wait { timed } = blocking else {
            return Begin::WouldBlock(cases);
        };
        match self.enlist(party, timed, cases.len()) {
            Some(wait) => {
                // In reverse order, because each becomes the head of the wait's list.
                for (index, case) in cases.into_iter().enumerate().rev() {
                    self.stand_in_line(wait, party, index, case);
                }
                self.settle(effects);
                Begin::Waiting(wait)
            }
            None => Begin::Refused(cases),
        }
    }

    /// Does what [`begin`](Self::begin) does for a single case, at a lower cost.
    #[inline]
    pub fn begin_one(
        &mut self,
        party: PartyId,
        case: Case<M>,
        blocking: Blocking,
        effects: &mut Effects<M>,
    ) -> Begin<M, Case<M>> {
        let case = match self.attempt(party, case, effects) {
            Ok((outcome, origin)) => {
                self.settle(effects);
                return Begin::Done(Done {
                    case: 0,
                    outcome,
                    origin,
                    unsent: Vec::new(),
                });
            }
            Err(case) => case,
        };
        let Blocking::Wait { timed } = blocking else {
            return Begin::WouldBlock(case);
        };
        match self.enlist(party, timed, 1) {
            Some(wait) => {
                self.stand_in_line(wait, party, 0, case);
                self.settle(effects);
                Begin::Waiting(wait)
            }
            None => Begin::Refused(case),
        }
    }

    /// Chooses one of the ready cases with equal probability.
    fn choose(&mut self, party: PartyId, cases: &[Case<M>]) -> Option<usize> {
        let mut chosen = None;
        let mut ready = 0;
        for (index, case) in cases.iter().enumerate() {
            if self.is_ready(case) {
                ready += 1;
                if ready == 1 || self.random_for(party).is_multiple_of(ready) {
                    chosen = Some(index);
                }
            }
        }
        chosen
    }

    fn enlist(&mut self, party: PartyId, timed: bool, cases: usize) -> Option<WaitId> {
        if !self.entries.has_room(cases) || !self.parties.may_wait(party, Self::MAX_WAITS) {
            return None;
        }
        let wait = WaitId(self.waits.insert(Wait {
            party,
            timed,
            entries: NIL,
            waker: None,
            done: None,
        })?);
        self.parties.began(party, wait, timed);
        Some(wait)
    }

    fn stand_in_line(&mut self, wait: WaitId, party: PartyId, index: usize, case: Case<M>) {
        let (place, load) = match case {
            Case::Receive(channel) => (Place::Receivers(channel), None),
            Case::Send(channel, message) => {
                let load = Load {
                    charge: Self::charge(&message),
                    bond: Bond::of(&message, party),
                    message,
                };
                (Place::Senders(channel), Some(load))
            }
            Case::Event(event) => (Place::Event(event), None),
        };
        let entry = Entry::new(wait.0.index, index, place, load);
        let Some(state) = self.waits.get_mut(wait.0) else {
            return;
        };
        let Some(key) = self.entries.insert(entry) else {
            return;
        };
        if let Some(entry) = self.entries.at_mut(key.index) {
            entry.sibling = state.entries;
        }
        state.entries = key.index;
        let line = match place {
            Place::Receivers(id) => self.channels.get_mut(id.0).map(|c| &mut c.receivers),
            Place::Senders(id) => self.channels.get_mut(id.0).map(|c| &mut c.senders),
            Place::Event(id) => self.events.get_mut(id.0).map(|e| &mut e.line),
        };
        if let Some(line) = line {
            line.push(&mut self.entries, key.index);
        }
    }

    /// Removes the wait from all lines and returns its unsent messages.
    fn leave_lines(&mut self, wait: u32) -> Vec<M> {
        let mut unsent = Vec::new();
        let Some(state) = self.waits.at_mut(wait) else {
            return unsent;
        };
        let mut next = std::mem::replace(&mut state.entries, NIL);
        while let Some(entry) = self.entries.remove_at(next) {
            next = entry.sibling;
            match entry.place {
                Place::Receivers(id) => {
                    if let Some(channel) = self.channels.get_mut(id.0) {
                        channel.receivers.unlink(&mut self.entries, &entry);
                    }
                }
                Place::Senders(id) => {
                    if let Some(channel) = self.channels.get_mut(id.0)
                        && channel.senders.unlink(&mut self.entries, &entry)
                        && entry.load.is_some()
                    {
                        self.unblocked.push(id);
                    }
                }
                Place::Event(id) => {
                    if let Some(event) = self.events.get_mut(id.0) {
                        event.line.unlink(&mut self.entries, &entry);
                    }
                }
            }
            unsent.extend(entry.load.map(|load| load.message));
        }
        unsent
    }

    /// Ends the wait that the entry belongs to. The caller must have taken the message of a send out of it.
    pub(super) fn complete(
        &mut self,
        entry: u32,
        outcome: Outcome<M>,
        origin: Option<Origin>,
        effects: &mut Effects<M>,
    ) {
        if let Some((wait, case)) = self.entries.at(entry).map(|e| (e.wait, e.case)) {
            self.finish(wait, case, outcome, origin, effects);
        }
    }

    pub(super) fn finish(
        &mut self,
        wait: u32,
        case: usize,
        outcome: Outcome<M>,
        origin: Option<Origin>,
        effects: &mut Effects<M>,
    ) {
        let unsent = self.leave_lines(wait);
        if let Some(state) = self.waits.at_mut(wait) {
            let done = Done {
                case,
                outcome,
                origin,
                unsent,
            };
            state.done = Some(done);
            effects.wake.extend(state.waker.take());
            self.parties.note_ended(state.party, state.timed);
        }
    }

    /// Takes the result of a wait and frees the wait. If there is no result yet, stores the waker in place of
    /// the previous one. `Ready(None)` means that the wait does not exist: its result was taken, it was
    /// abandoned, or its party was removed.
    pub fn poll(&mut self, wait: WaitId, waker: &Waker) -> Poll<Option<Done<M>>> {
        let Some(state) = self.waits.get_mut(wait.0) else {
            return Poll::Ready(None);
        };
        if let Some(done) = state.done.take() {
            self.parties.remove_wait(state.party, wait);
            self.waits.remove(wait.0);
            return Poll::Ready(Some(done));
        }
        match &mut state.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Poll::Pending
    }

    /// Returns the wait's party, and whether the wait has a result. Returns `None` for a wait that was polled
    /// before without one.
    pub fn progress(&self, wait: WaitId) -> Option<(PartyId, bool)> {
        let state = self.waits.get(wait.0)?;
        let is_done = match (&state.done, &state.waker) {
            (Some(_), _) => true,
            (None, None) => false,
            (None, Some(_)) => return None,
        };
        Some((state.party, is_done))
    }

    /// Ends a wait whose result is not needed: it timed out, was cancelled, or its task was killed. A message
    /// that it received returns to its place in the channel, or is discarded if there is no receiver. A
    /// message that it sent stays sent. If the sender of a returned message was removed in the meantime, the
    /// message becomes an orphan.
    ///
    /// Returns the unsent messages, or `None` if there is no such wait. Wakes the waker of the last poll.
    pub fn abandon(&mut self, wait: WaitId, effects: &mut Effects<M>) -> Option<Vec<M>> {
        let unsent = self.give_up(wait, effects);
        self.settle(effects);
        unsent
    }

    /// Abandons the wait, without settling.
    pub(super) fn give_up(&mut self, wait: WaitId, effects: &mut Effects<M>) -> Option<Vec<M>> {
        self.waits.get(wait.0)?;
        let mut unsent = self.leave_lines(wait.0.index);
        let state = self.waits.remove(wait.0)?;
        effects.wake.extend(state.waker);
        let Some(done) = state.done else {
            self.parties.note_ended(state.party, state.timed);
            self.parties.remove_wait(state.party, wait);
            return Some(unsent);
        };
        self.parties.remove_wait(state.party, wait);
        unsent = done.unsent;
        match done.outcome {
            Outcome::Received(message) => {
                if let Some(origin) = done.origin {
                    self.put_back(origin, message, effects);
                }
            }
            Outcome::Closed(Some(message)) | Outcome::TooLarge { message, .. } => {
                unsent.insert(done.case.min(unsent.len()), message);
            }
            Outcome::Closed(None) | Outcome::Sent | Outcome::Fired | Outcome::Deadlock(_) => {}
        }
        Some(unsent)
    }
}
