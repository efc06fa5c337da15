//! Deadlocks: parties that wait only for one another.
//!
//! The analysis works on a graph of who can end a wait. A waiting party leads to the opposite sides of its
//! channels and to the owners of its events. A side leads to its holders. An idle party leads to the parties
//! that can run it. A wait can end if *any* path leads to a party that is able to act, so a party is stuck
//! exactly if no such path exists. Tarjan's algorithm finds the strongly connected components (*knots*) of
//! this graph in one walk. The walk stops as soon as it meets a party that is able to act, because all nodes
//! not yet assigned to a knot lead there too.

use std::collections::HashMap;
use std::fmt::Write;

use super::line::Place;
use super::slab::NIL;
use super::{Broker, ChannelId, Effects, Outcome, Parcel, PartyId, Side};

/// The number of parties that a text names, and of cases for each.
const NAMED: usize = 4;

/// The number of generations of idle parties that the analysis examines. Beyond it, the analysis assumes that
/// some party is able to act.
const GENERATIONS: usize = 64;

#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
enum Node {
    Party(PartyId),
    Ends(ChannelId, Side),
}

/// A party that is able to act was met.
struct Alive;

/// The state of a node in the walk.
#[derive(Copy, Clone, Debug)]
enum Mark {
    /// It leads to a party that is able to act.
    Alive,
    /// It is on the walk's stack, at this index.
    Open(usize),
    /// It is stuck. `helped` is true if it leads to a party whose wait ends with a deadlock and that can act
    /// afterwards.
    Stuck { helped: bool },
}

struct Frame {
    node: Node,
    place: usize,
    /// The lowest stack index that the node is known to lead to.
    low: usize,
    helped: bool,
    ahead: Vec<Node>,
}

/// The number of channels and queued messages that one analysis scans for ends in flight. Beyond it, the
/// analysis assumes that some party is able to act.
const LOOKED_THROUGH: usize = 4096;

/// The remaining budget of one analysis for ends in flight, and its result.
struct Search {
    left: usize,
    /// An awake party could receive an end in flight, so the analysis has to be repeated later.
    postponed: bool,
}

#[derive(Default)]
struct Walk {
    marks: HashMap<Node, Mark>,
    stack: Vec<Node>,
    path: Vec<Frame>,
    knots: Vec<Vec<PartyId>>,
}

impl<M: Parcel> Broker<M> {
    /// Finds parties that wait only for one another and ends their waits with [`Outcome::Deadlock`]. The
    /// broker does this by itself whenever no party is awake. Calling it periodically also finds stuck parties
    /// while others run.
    ///
    /// The waits of a party that merely depends on stuck ones do not end: the stuck ones may act on their
    /// error.
    ///
    /// Returns the number of stuck parties.
    pub fn check_deadlock(&mut self, effects: &mut Effects<M>) -> usize {
        let stuck = if self.parties.has_suspects() {
            self.analyse(effects)
        } else {
            0
        };
        self.settle(effects);
        stuck
    }

    pub(super) fn analyse(&mut self, effects: &mut Effects<M>) -> usize {
        let mut walk = Walk::default();
        let mut search = Search {
            left: LOOKED_THROUGH,
            postponed: false,
        };
        for party in self.parties.take_suspects() {
            walk.start(self, Node::Party(party), &mut search);
        }
        if search.postponed {
            self.parties.suspect_all();
        }
        let mut stuck = 0;
        for mut knot in walk.knots {
            knot.sort_unstable();
            stuck += knot.len();
            let text = self.describe(&knot);
            for party in knot {
                let waits = self.parties.get(party).map(|state| state.waits.clone());
                for wait in waits.unwrap_or_default() {
                    let outcome = Outcome::Deadlock(text.clone());
                    self.finish(wait.0.index, 0, outcome, None, effects);
                }
            }
        }
        while let Some(channel) = self.unblocked.pop() {
            self.promote(channel, effects);
        }
        stuck
    }

    /// Returns the nodes that a node leads to.
    fn ahead(&self, node: Node, search: &mut Search) -> Result<Vec<Node>, Alive> {
        match node {
            Node::Ends(channel, side) => {
                let Some(state) = self.channels.get(channel.0) else {
                    return Err(Alive);
                };
                let ends = state.ends(side);
                if ends.contains_key(&PartyId::HOST) {
                    return Err(Alive);
                }
                let holders = ends.keys().filter(|&&party| party != PartyId::FLIGHT);
                let mut ahead: Vec<_> = holders.map(|&party| Node::Party(party)).collect();
                if ends.contains_key(&PartyId::FLIGHT) {
                    self.ahead_of_flight(channel, search, &mut ahead)?;
                }
                Ok(ahead)
            }
            Node::Party(party) => {
                let state = self.parties.get(party).ok_or(Alive)?;
                if state.is_asleep() {
                    self.ahead_of_sleeper(&state.waits)
                } else if state.is_awake() || state.host_owned || !state.waits.is_empty() {
                    Err(Alive)
                } else {
                    self.ahead_of_idle(state.parent)
                }
            }
        }
    }

    /// Adds the channels in whose queues the ends in flight of `channel` are.
    ///
    /// An awake party can open such a channel by its number, so the search is postponed while any party is
    /// awake.
    fn ahead_of_flight(
        &self,
        channel: ChannelId,
        search: &mut Search,
        ahead: &mut Vec<Node>,
    ) -> Result<(), Alive> {
        if !self.parties.none_awake() {
            search.postponed = true;
            return Err(Alive);
        }
        let mut missing = self.channels.get(channel.0).map_or(0, |state| {
            let count = |side| state.ends(side).get(&PartyId::FLIGHT).copied();
            count(Side::Sender).unwrap_or(0) + count(Side::Receiver).unwrap_or(0)
        });
        for (key, state) in self.channels.iter() {
            let before = missing;
            search.left = search
                .left
                .checked_sub(1 + state.queue.len())
                .ok_or(Alive)?;
            for item in &state.queue {
                item.load.message.each_end(&mut |other| {
                    missing -= usize::from(other == channel && missing > 0);
                });
            }
            if missing < before {
                let carrier = ChannelId(key);
                ahead.extend([Side::Sender, Side::Receiver].map(|side| Node::Ends(carrier, side)));
            }
        }
        // An end that is in no queue is being sent or received.
        if missing == 0 { Ok(()) } else { Err(Alive) }
    }

    fn ahead_of_sleeper(&self, waits: &[super::WaitId]) -> Result<Vec<Node>, Alive> {
        let mut ahead = Vec::new();
        for wait in waits {
            let mut next = self.waits.get(wait.0).map_or(NIL, |state| state.entries);
            while let Some(entry) = self.entries.at(next) {
                next = entry.sibling;
                ahead.push(match entry.place {
                    Place::Receivers(channel) => Node::Ends(channel, Side::Sender),
                    Place::Senders(channel) => Node::Ends(channel, Side::Receiver),
                    Place::Event(event) => {
                        let owner = self.events.get(event.0).ok_or(Alive)?.owner;
                        let runs = self.parties.get(owner).is_some_and(|state| state.running);
                        // The host will start the task or is about to fire the event.
                        if !runs {
                            return Err(Alive);
                        }
                        Node::Party(owner)
                    }
                });
            }
        }
        Ok(ahead)
    }

    fn ahead_of_idle(&self, parent: Option<PartyId>) -> Result<Vec<Node>, Alive> {
        let mut ahead = Vec::new();
        let mut above = parent;
        while let Some(party) = above {
            if party.is_reserved() || ahead.len() == GENERATIONS {
                return Err(Alive);
            }
            let Some(state) = self.parties.get(party) else {
                break;
            };
            ahead.push(Node::Party(party));
            // A sleeper leads to what it waits for, but its ancestors can run the idle party as well.
            above = state.parent;
        }
        Ok(ahead)
    }

    fn describe(&self, knot: &[PartyId]) -> String {
        let mut text = String::new();
        for (index, &party) in knot.iter().take(NAMED).enumerate() {
            if index > 0 {
                text.push_str("; ");
            }
            self.describe_party(party, &mut text);
        }
        if let Some(more) = knot.len().checked_sub(NAMED).filter(|&more| more > 0) {
            append(&mut text, format_args!("; and {more} more"));
        }
        text
    }

    fn describe_party(&self, party: PartyId, text: &mut String) {
        append(text, format_args!("interpreter {} waits ", party.shown()));
        let mut cases = 0;
        let waits = self.parties.get(party).map(|state| &state.waits);
        for wait in waits.into_iter().flatten() {
            let mut next = self.waits.get(wait.0).map_or(NIL, |state| state.entries);
            while let Some(entry) = self.entries.at(next) {
                next = entry.sibling;
                cases += 1;
                if cases > NAMED {
                    text.push_str(" or for something else");
                    return;
                }
                if cases > 1 {
                    text.push_str(" or ");
                }
                let label = |id: ChannelId| self.channels.get(id.0).map_or(0, |c| c.label);
                match entry.place {
                    Place::Receivers(id) => {
                        append(text, format_args!("to receive from channel {}", label(id)));
                    }
                    Place::Senders(id) => {
                        append(text, format_args!("to send to channel {}", label(id)));
                    }
                    Place::Event(id) => {
                        let owner = self.events.get(id.0).map_or(0, |event| event.owner.shown());
                        append(text, format_args!("for interpreter {owner} to finish"));
                    }
                }
            }
        }
        if cases == 0 {
            text.push_str("for nothing");
        }
    }
}

fn append(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}

impl Walk {
    fn start<M: Parcel>(&mut self, broker: &Broker<M>, root: Node, search: &mut Search) {
        if self.marks.contains_key(&root) || self.enter(broker, root, search).is_err() {
            return self.give_up();
        }
        while let Some(frame) = self.path.last_mut() {
            let Some(node) = frame.ahead.pop() else {
                self.leave(broker);
                continue;
            };
            match self.marks.get(&node) {
                Some(Mark::Open(place)) => frame.low = frame.low.min(*place),
                Some(Mark::Stuck { helped }) => frame.helped |= helped,
                Some(Mark::Alive) => return self.give_up(),
                None => {
                    if self.enter(broker, node, search).is_err() {
                        return self.give_up();
                    }
                }
            }
        }
    }

    fn enter<M: Parcel>(
        &mut self,
        broker: &Broker<M>,
        node: Node,
        search: &mut Search,
    ) -> Result<(), Alive> {
        #[cfg(test)]
        broker.searched.set(broker.searched.get() + 1);
        let place = self.stack.len();
        self.stack.push(node);
        self.marks.insert(node, Mark::Open(place));
        let ahead = broker.ahead(node, search)?;
        self.path.push(Frame {
            node,
            place,
            low: place,
            helped: false,
            ahead,
        });
        Ok(())
    }

    /// Marks everything on the stack as leading to a party that is able to act.
    fn give_up(&mut self) {
        self.path.clear();
        for node in self.stack.drain(..) {
            self.marks.insert(node, Mark::Alive);
        }
    }

    /// Leaves a node whose edges were all followed.
    fn leave<M: Parcel>(&mut self, broker: &Broker<M>) {
        let Some(frame) = self.path.pop() else {
            return;
        };
        let mut helped = frame.helped;
        if frame.low == frame.place {
            let knot = self.stack.split_off(frame.place);
            let sleepers: Vec<PartyId> = knot
                .iter()
                .filter_map(|node| match node {
                    Node::Party(party) => Some(*party),
                    Node::Ends(..) => None,
                })
                .filter(|&party| broker.parties.get(party).is_some_and(|p| p.is_asleep()))
                .collect();
            if !helped && !sleepers.is_empty() {
                helped = true;
                self.knots.push(sleepers);
            }
            for node in knot {
                self.marks.insert(node, Mark::Stuck { helped });
            }
        } else {
            debug_assert!(frame.low < frame.place, "{:?}", frame.node);
        }
        if let Some(below) = self.path.last_mut() {
            below.low = below.low.min(frame.low);
            below.helped |= helped;
        }
    }
}
