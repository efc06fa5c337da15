//! Random operations on the broker: each message must end exactly once.

use crate::broker::*;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::task::{Poll, Waker};

/// A message.
#[derive(Debug, PartialEq)]
struct Note {
    serial: u32,
    size: usize,
    /// The fate of the message after its sender is removed: 0 to 3.
    kind: u8,
    ends: Vec<(ChannelId, Side)>,
    /// True if it replaces a message whose sender was removed.
    is_mark: bool,
}

impl Parcel for Note {
    fn size(&self) -> usize {
        self.size
    }

    fn outlives_sender(&self) -> bool {
        self.kind == 0
    }

    fn each_end(&self, visit: &mut dyn FnMut(ChannelId)) {
        self.ends.iter().for_each(|(channel, _)| visit(*channel));
    }

    fn orphaned(&self) -> Orphaned<Self> {
        match self.kind {
            1 => Orphaned::Keep,
            2 => Orphaned::Remove,
            _ => Orphaned::Replace(Note {
                serial: self.serial,
                size: 1,
                kind: 0,
                ends: Vec::new(),
                is_mark: true,
            }),
        }
    }
}

const BUDGET: usize = 2000;

/// The maximum number of objects of each kind.
const MOST_OBJECTS: usize = 24;

struct World<'a> {
    /// The rest of the input.
    data: std::slice::Iter<'a, u8>,
    broker: Broker<Note>,
    effects: Effects<Note>,
    channels: Vec<ChannelId>,
    events: Vec<EventId>,
    waits: Vec<WaitId>,
    /// Received messages that have not arrived.
    in_hand: Vec<(Note, Option<Origin>)>,
    serial: u32,
    /// The messages that have not ended, and the marks that have.
    alive: BTreeSet<u32>,
    marks: BTreeSet<u32>,
}

/// Performs the operations that the input encodes.
pub fn broker(data: &[u8]) {
    let mut world = World {
        data: data.iter(),
        broker: Broker::new(1),
        effects: Effects::new(),
        channels: Vec::new(),
        events: Vec::new(),
        waits: Vec::new(),
        in_hand: Vec::new(),
        serial: 0,
        alive: BTreeSet::new(),
        marks: BTreeSet::new(),
    };
    while let Some(&operation) = world.data.next() {
        world.operate(operation);
        world.settle();
    }
    world.end();
}

impl World<'_> {
    fn next(&mut self) -> usize {
        self.data.next().map_or(0, |byte| usize::from(*byte))
    }

    fn party(&mut self) -> PartyId {
        match self.next() % 5 {
            0 => PartyId::HOST,
            number => PartyId(number as u64),
        }
    }

    fn side(&mut self) -> Side {
        match self.next() % 2 {
            0 => Side::Sender,
            _ => Side::Receiver,
        }
    }

    fn channel(&mut self) -> Option<ChannelId> {
        let pick = self.next();
        let number = self.channels.len().max(1);
        self.channels.get(pick % number).copied()
    }

    fn note(&mut self) -> Note {
        let shape = self.next();
        let mut ends = Vec::new();
        for _ in 0..shape / 4 % 3 {
            let side = self.side();
            if let Some(channel) = self.channel()
                && self.broker.acquire(channel, side, PartyId::FLIGHT)
            {
                ends.push((channel, side));
            }
        }
        self.serial += 1;
        self.alive.insert(self.serial);
        Note {
            serial: self.serial,
            size: [0, 300, 1500, BUDGET + 1][shape / 16 % 4],
            kind: (shape % 4) as u8,
            ends,
            is_mark: false,
        }
    }

    fn case(&mut self) -> Option<Case<Note>> {
        Some(match self.next() % 5 {
            0 | 1 => Case::Receive(self.channel()?),
            2 | 3 => {
                let channel = self.channel()?;
                Case::Send(channel, self.note())
            }
            _ => {
                let pick = self.next();
                Case::Event(*self.events.get(pick % self.events.len().max(1))?)
            }
        })
    }

    fn operate(&mut self, operation: u8) {
        match operation % 20 {
            0 if self.channels.len() < MOST_OBJECTS => {
                let capacity = match self.next() % 4 {
                    0 => Capacity::Rendezvous,
                    3 => Capacity::Unbounded,
                    places => {
                        NonZeroUsize::new(places).map_or(Capacity::Unbounded, Capacity::Bounded)
                    }
                };
                let party = self.party();
                self.channels
                    .extend(self.broker.create(capacity, BUDGET, party));
            }
            1 => {
                let (party, above) = (self.party(), self.party());
                let above = (above != party).then_some(above);
                self.broker
                    .add_party(party, self.serial.is_multiple_of(2), above);
            }
            2 => {
                let (party, running) = (self.party(), self.next());
                self.broker
                    .set_running(party, running > 0, &mut self.effects);
            }
            3 => {
                let party = self.party();
                self.broker.remove_party(party, &mut self.effects);
            }
            4 => {
                let (side, party) = (self.side(), self.party());
                if let Some(channel) = self.channel() {
                    self.broker.acquire(channel, side, party);
                }
            }
            5 | 6 => {
                let (side, party) = (self.side(), self.party());
                if let Some(channel) = self.channel() {
                    self.broker.release(channel, side, party, &mut self.effects);
                }
            }
            7 => {
                if let Some(channel) = self.channel() {
                    match self.next() % 3 {
                        0 => drop(self.broker.close(channel, &mut self.effects)),
                        1 => drop(self.broker.close_if_empty(channel, &mut self.effects)),
                        _ => drop(self.broker.destroy(channel, &mut self.effects)),
                    }
                }
            }
            8 if self.events.len() < MOST_OBJECTS => {
                let party = self.party();
                self.events.extend(self.broker.create_event(party));
            }
            9 if !self.events.is_empty() => {
                let pick = self.next() % self.events.len();
                match self.next() % 2 {
                    0 => drop(self.broker.fire(self.events[pick], &mut self.effects)),
                    _ => {
                        let event = self.events.swap_remove(pick);
                        self.broker.release_event(event, &mut self.effects);
                    }
                }
            }
            10 => drop(self.broker.check_deadlock(&mut self.effects)),
            11 => self.broker.collect(&mut self.effects),
            12 if !self.waits.is_empty() => {
                let pick = self.next() % self.waits.len();
                let wait = self.waits.swap_remove(pick);
                let unsent = self.broker.abandon(wait, &mut self.effects);
                self.effects.discarded.extend(unsent.into_iter().flatten());
            }
            13 | 14 if !self.waits.is_empty() => {
                let pick = self.next() % self.waits.len();
                if let Poll::Ready(done) = self.broker.poll(self.waits[pick], Waker::noop()) {
                    self.waits.swap_remove(pick);
                    if let Some(done) = done {
                        self.done(done);
                    }
                }
            }
            15 if !self.in_hand.is_empty() => {
                let pick = self.next() % self.in_hand.len();
                let (note, origin) = self.in_hand.swap_remove(pick);
                match origin {
                    Some(origin) if self.next().is_multiple_of(2) => {
                        self.broker.redeliver(origin, note, &mut self.effects);
                    }
                    _ => self.effects.discarded.push(note),
                }
            }
            16 => {
                let (side, party, uses) = (self.side(), self.party(), self.next());
                if let Some(channel) = self.channel() {
                    self.broker.set_user(channel, side, party, uses > 0);
                    let info = self.broker.info(channel);
                    assert_eq!(self.broker.len(channel), info.map(|info| info.len));
                }
            }
            _ => self.begin(),
        }
    }

    fn begin(&mut self) {
        let party = self.party();
        let shape = self.next();
        let blocking = match shape % 3 {
            0 => Blocking::Try,
            timed => Blocking::Wait { timed: timed == 1 },
        };
        let mut cases = Vec::new();
        for _ in 0..1 + shape / 3 % 3 {
            cases.extend(self.case());
        }
        let begun = match cases.pop() {
            Some(case) if cases.is_empty() => {
                let effects = &mut self.effects;
                match self.broker.begin_one(party, case, blocking, effects) {
                    Begin::Done(done) => Begin::Done(done),
                    Begin::Waiting(wait) => Begin::Waiting(wait),
                    Begin::WouldBlock(case) | Begin::Refused(case) => Begin::Refused(vec![case]),
                }
            }
            last => {
                cases.extend(last);
                self.broker.begin(party, cases, blocking, &mut self.effects)
            }
        };
        match begun {
            Begin::Done(done) => self.done(done),
            Begin::Waiting(wait) => self.waits.push(wait),
            Begin::WouldBlock(cases) | Begin::Refused(cases) => {
                let unsent = cases.into_iter().filter_map(Case::into_message);
                self.effects.discarded.extend(unsent);
            }
        }
    }

    fn done(&mut self, done: Done<Note>) {
        self.effects.discarded.extend(done.unsent);
        match done.outcome {
            Outcome::Received(note) => self.in_hand.push((note, done.origin)),
            Outcome::Closed(Some(note)) | Outcome::TooLarge { message: note, .. } => {
                self.effects.discarded.push(note);
            }
            Outcome::Closed(None) | Outcome::Sent | Outcome::Fired | Outcome::Deadlock(_) => {}
        }
    }

    /// Drops discarded messages and what follows from that.
    fn settle(&mut self) {
        while let Some(note) = self.effects.discarded.pop() {
            let is_new = match note.is_mark {
                true => self.marks.insert(note.serial),
                false => self.alive.remove(&note.serial),
            };
            assert!(is_new, "{note:?} ended twice");
            for (channel, side) in note.ends {
                self.broker
                    .release(channel, side, PartyId::FLIGHT, &mut self.effects);
            }
        }
        self.effects.wake.clear();
    }

    /// Removes everything, and checks that nothing remains.
    fn end(mut self) {
        for number in 1..5 {
            self.broker.remove_party(PartyId(number), &mut self.effects);
        }
        for wait in std::mem::take(&mut self.waits) {
            let unsent = self.broker.abandon(wait, &mut self.effects);
            self.effects.discarded.extend(unsent.into_iter().flatten());
        }
        let in_hand = std::mem::take(&mut self.in_hand).into_iter();
        self.effects.discarded.extend(in_hand.map(|(note, _)| note));
        for event in std::mem::take(&mut self.events) {
            self.broker.release_event(event, &mut self.effects);
        }
        for channel in std::mem::take(&mut self.channels) {
            for side in [Side::Sender, Side::Receiver] {
                let host = PartyId::HOST;
                while self.broker.release(channel, side, host, &mut self.effects) {}
            }
        }
        self.settle();
        self.broker.collect(&mut self.effects);
        self.settle();
        assert_eq!(self.broker.counts(), Counts::default(), "objects remain");
        assert!(self.alive.is_empty(), "{:?} never ended", self.alive);
    }
}
