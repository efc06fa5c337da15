//! Exactly-once delivery under faults: guests and the host exchange messages, and a fault occurs at the n-th
//! failpoint, for each n.

use super::{Point, Verdict, number};
use crate::api::interpreter::Binding;
use crate::exec::interrupt::Interruption;
use crate::exec::stop::Reason;
use crate::island::job::Job;
use crate::{Capacity, Error, Interpreter, Policy, Receiver, Runtime, Sender, TryRecvError, Value};
use archipel_core::broker::{Counts, PartyId};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// A fault.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Blow {
    /// An exception is raised in the waiting guest.
    Interrupt,
    /// The guest is cancelled and cannot catch it.
    Unwind,
    Kill,
    /// The channel with most of the traffic is closed.
    Close,
    /// Memory for the message cannot be allocated.
    Trap,
    /// The host drops the future that it awaits.
    GiveUp,
}

const BLOWS: [Blow; 6] = [
    Blow::Interrupt,
    Blow::Unwind,
    Blow::Kill,
    Blow::Close,
    Blow::Trap,
    Blow::GiveUp,
];

/// The code that all guests run first.
const COMMON: &str = "
import archipel, interpreters, signal

# An interruption that comes to nothing: the wait goes on.
signal.signal(signal.SIGINT, lambda *_: None)

def put(number, send, *args, **kwargs):
    'Sends, and tells what came of it.'
    try:
        send(*args, **kwargs)
    except BaseException as error:
        tell(number, type(error).__name__)
    else:
        tell(number, 'sent')

def take(receive, *args):
    'Receives; None says that there was nothing.'
    try:
        return receive(*args)
    except interpreters.ChannelError:
        return None
";

const PRODUCER: &str = "
for number in (100, 101, 102):
    put(number, work.send, number)
put(103, archipel.select, (work, 103), (more, 103))
put(104, work.send, 104, timeout=60)
answers, answer = interpreters.create_channel()
put(105, work.send, (105, answer))
del answer
take(answers.recv)
for number in (106, 107):
    put(number, archipel.select, (more, number), (work, number), timeout=60)

# A job of another interpreter's, which calls back.
def tell_for(number, outcome):
    tell(number, outcome)
    return number

child = archipel.create()
child.prepare_main(work=work)
child.alias('tell', tell_for)
try:
    child.exec(common + 'put(108, work.send, 108)')
except BaseException:
    pass
del child
";

/// Receives in each way in turn until nothing is left, and forwards or answers each message.
const CONSUMER: &str = "
ways = [
    lambda: work.recv(),
    lambda: archipel.select(work, more)[1],
    lambda: work.recv(timeout=60),
    lambda: archipel.select(more, work, archipel.after(60))[1],
]
misses = 0
turn = 0
while misses < 3:
    turn += 1
    got = take(ways[turn % 4])
    if got is None:
        misses += 1
        continue
    if type(got) is tuple:
        got, answer = got
        put(got + 1000, answer.send, got + 1000)
        del answer
    put(got + 2000, back.send, got + 2000)
";

/// The messages that the host sends.
const SENT_BY_HOST: std::ops::Range<i64> = 109..114;

/// The time allowed for drops on other threads, for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

type Told = Arc<Mutex<Vec<(i64, String)>>>;

struct World {
    runtime: Runtime,
    work: (Sender, Receiver),
    more: (Sender, Receiver),
    back: (Sender, Receiver),
    guests: Vec<Interpreter>,
    told: Told,
}

impl World {
    fn new(runtime: &Runtime) -> Self {
        let channel = |capacity| runtime.channel(capacity).unwrap();
        let told = Told::default();
        let (work, more, back) = (
            channel(Capacity::Bounded(1)),
            channel(Capacity::Rendezvous),
            channel(Capacity::Bounded(2)),
        );
        let guests = (0..3).map(|_| {
            let told = told.clone();
            let policy = Policy::new()
                .children(1, 1)
                .unwrap()
                .alias("tell", move |call| {
                    let (number, outcome): (i64, String) = call.arguments()?;
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    told.push((number, outcome));
                    Ok(Value::None)
                });
            let guest = runtime
                .interpreter()
                .policy(policy.unwrap())
                .build()
                .unwrap();
            let bindings = [("work", &work), ("more", &more), ("back", &back)];
            for (name, (sender, receiver)) in bindings {
                let ends = [
                    ("send", Binding::from(sender.clone())),
                    ("recv", Binding::from(receiver.clone())),
                ];
                guest.prepare_main(ends).unwrap();
                guest
                    .exec(format!("{name}_send, {name}_recv = send, recv"))
                    .unwrap();
            }
            guest.exec(COMMON).unwrap();
            guest
        });
        let guests: Vec<_> = guests.collect();
        let [producer, consumers @ ..] = &guests[..] else {
            unreachable!()
        };
        producer.exec("work, more = work_send, more_send").unwrap();
        producer.prepare_main([("common", COMMON.into())]).unwrap();
        for consumer in consumers {
            let ends = "work, more, back = work_recv, more_recv, back_send";
            consumer.exec(ends).unwrap();
        }
        for guest in &guests {
            guest
                .exec("del send, recv, work_send, work_recv, more_send, more_recv, back_send, back_recv")
                .unwrap();
        }
        World {
            runtime: runtime.clone(),
            work,
            more,
            back,
            guests,
            told,
        }
    }

    /// Runs the guests and the host's part to completion on this thread, in this order, with a fault at
    /// failpoint number `at`. Returns the messages that the host received, and whether that failpoint was
    /// reached.
    fn run(&self, blow: Blow, at: usize) -> (Vec<i64>, bool) {
        let passed = Arc::new(AtomicUsize::new(0));
        let exchange = self.runtime.0.exchange.clone();
        let families = self
            .guests
            .iter()
            .map(|guest| guest.island().family.clone());
        let families: Vec<_> = families.collect();
        let given_up = Arc::new(AtomicBool::new(false));
        let (work, seen, gives_up) = (self.work.0.clone(), passed.clone(), given_up.clone());
        exchange.points.ask(move |party, point| {
            let mut living = families.iter().flat_map(|family| family.living());
            let island = living.find(|island| island.party == party);
            let counts = match blow {
                Blow::Trap => point == Point::Lowers,
                Blow::Close => true,
                Blow::GiveUp => party == PartyId::HOST,
                Blow::Interrupt | Blow::Unwind | Blow::Kill => island.is_some(),
            };
            if !counts || seen.fetch_add(1, Ordering::Relaxed) != at {
                return Verdict::GoOn;
            }
            match (blow, island) {
                (Blow::Close, _) => work.close(),
                (Blow::GiveUp, _) => gives_up.store(true, Ordering::Relaxed),
                (Blow::Trap, _) | (_, None) => {}
                (Blow::Interrupt, Some(island)) => island.interrupt(Interruption::Keyboard),
                (Blow::Unwind, Some(island)) => island.stop(Reason::Cancelled("now".to_owned())),
                (Blow::Kill, Some(island)) => island.kill(),
            }
            match point {
                Point::Lowers if blow == Blow::Trap => Verdict::Fail,
                Point::Lowers => Verdict::GoOn,
                Point::Waits | Point::Woken => Verdict::Stay,
            }
        });
        let sources = [PRODUCER, CONSUMER, CONSUMER];
        let guests = self.guests.iter().zip(sources);
        let mut runs: Vec<_> = guests
            .map(|(guest, source)| {
                Some(guest.island().start(Job::Exec(source.to_owned())).unwrap())
            })
            .collect();
        let mut received = Vec::new();
        let mut receive = Some(Box::pin(self.back.1.recv_async()));
        let mut sending = SENT_BY_HOST;
        let mut send = None;
        let all = poll_fn(|context| {
            for run in &mut runs {
                if let Some(under_way) = run
                    && let Poll::Ready(result) = Pin::new(under_way).poll(context)
                {
                    let expected = match &result {
                        Ok(_) => true,
                        Err(Error::Killed) => blow == Blow::Kill,
                        Err(Error::Cancelled(_)) => blow == Blow::Unwind,
                        Err(Error::Died(_)) => blow == Blow::Trap,
                        Err(_) => false,
                    };
                    assert!(expected, "{blow:?} at {at}: {result:?}");
                    *run = None;
                }
            }
            let [producer, consumers @ ..] = &runs[..] else {
                unreachable!()
            };
            if producer.is_none() || consumers.iter().all(Option::is_none) {
                self.work.0.close();
                self.more.0.close();
            }
            while let Some(future) = &mut receive {
                match future.as_mut().poll(context) {
                    Poll::Ready(result) => received.extend(result.ok().as_ref().and_then(number)),
                    Poll::Pending if given_up.swap(false, Ordering::Relaxed) => {}
                    Poll::Pending => break,
                }
                receive = Some(Box::pin(self.back.1.recv_async()));
            }
            while send.is_some() || !sending.is_empty() {
                let future = send.get_or_insert_with(|| {
                    let number = sending.start;
                    sending.start += 1;
                    (number, Box::pin(self.work.0.send_async(number)))
                });
                match future.1.as_mut().poll(context) {
                    Poll::Ready(result) => {
                        let outcome = result.map_or("closed", |()| "sent").to_owned();
                        self.told.lock().unwrap().push((future.0, outcome));
                    }
                    // Whether it was sent is then unknown.
                    Poll::Pending if given_up.swap(false, Ordering::Relaxed) => {}
                    Poll::Pending => break,
                }
                send = None;
            }
            match runs.iter().all(Option::is_none) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        self.runtime.0.workers.wait(all);
        drop((receive, send));
        exchange.points.ask(|_, _| Verdict::GoOn);
        (received, passed.load(Ordering::Relaxed) > at)
    }

    /// Receives what remains in the channels.
    fn left(&self) -> Vec<i64> {
        let mut left = Vec::new();
        for (_, receiver) in [&self.work, &self.more, &self.back] {
            loop {
                match receiver.try_recv() {
                    Ok(value) => left.extend(number(&value)),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
        left
    }
}

/// Checks that each message reached one receiver, is still queued, or was reported to its sender as not sent.
fn account_for(context: &str, told: &[(i64, String)], there: &[i64], hit: bool) {
    let count = |number: i64| there.iter().filter(|n| **n == number).count();
    for number in there {
        assert_eq!(
            count(*number),
            1,
            "{context}: {number} was delivered more than once"
        );
    }
    for (number, outcome) in told {
        let times = told.iter().filter(|(told, _)| told == number).count();
        assert_eq!(times, 1, "{context}: {number} was reported more than once");
        let there = count(*number);
        // If the receiver of an answer is gone, so is the answer.
        let may_be_lost = hit && (1000..2000).contains(number);
        match outcome.as_str() {
            "sent" => assert!(there == 1 || may_be_lost, "{context}: {number} is lost"),
            other => assert_eq!(
                there, 0,
                "{context}: {number} was sent, but its sender got {other}"
            ),
        }
    }
    // Messages without a report had a stopped sender: they were sent once or not at all.
}

#[test]
fn each_message_is_received_once_with_a_fault_at_any_failpoint() {
    let runtime = Runtime::builder()
        .max_interpreters(8)
        .workers(1)
        .build()
        .expect("the guest can be built on this machine");
    for blow in BLOWS {
        let mut moments = 0;
        for at in 0.. {
            let world = World::new(&runtime);
            let (mut there, hit) = world.run(blow, at);
            let context = format!("{blow:?} at {at}");
            let arrived = runtime.0.exchange.points.take_arrived();
            // Calls of aliases are messages too, with smaller numbers.
            there.extend(arrived.into_iter().filter(|number| *number >= 100));
            there.extend(world.left());
            let told = world.told.lock().unwrap().clone();
            account_for(&context, &told, &there, hit);
            drop(world);
            // A worker drops what a child's job held.
            let counts = || runtime.0.exchange.with(|broker, _| broker.counts());
            let begun = Instant::now();
            while counts() != Counts::default() && begun.elapsed() < PATIENCE {
                std::thread::yield_now();
            }
            assert_eq!(counts(), Counts::default(), "{context}");
            if !hit || blow == Blow::Interrupt {
                assert!(
                    told.iter().all(|(_, outcome)| outcome == "sent"),
                    "{told:?}"
                );
                assert_eq!(there.len(), 14 + 14 + 1, "{there:?}");
            }
            if !hit {
                moments = at;
                break;
            }
        }
        assert!(moments > 10, "{blow:?} had {moments} moments");
    }
}
