//! The host side of the `channels` imports.

use super::arrival::{Arrival, BareArrival, Fits};
use super::failure::{failure, not_received};
use super::{LONGEST_REASON, duration};
use crate::exchange::channel_meta::ChannelMeta;
use crate::exchange::end::End;
use crate::exchange::kept::KeptAccounts;
use crate::exchange::message::Message;
use crate::exchange::quota::MOST_CHANNELS;
use crate::island::bindings::archipel::island::channels::{
    self, AttachmentRefs, Capacity, Error, Host, HostReceiver, HostSender, Info, Unbound,
};
use crate::island::caller::Caller;
use crate::island::from_guest::{Outgoing, outgoing};
use crate::island::handles::{ReceiverEnd, SenderEnd, copy};
use crate::island::not_sent::NotSent;
use crate::island::state::State;
use crate::island::to_guest::take_back;
use crate::lock::lock;
use archipel_core::broker::{self, Case, Origin, Outcome, PartyId, Side};
use archipel_core::encoding::{self, MAX_DEPTH};
use std::num::NonZeroUsize;
use wasmtime::Result;
use wasmtime::component::{Linker, Resource, WasmList};

impl Host for Caller<'_> {
    fn create(
        &mut self,
        capacity: Capacity,
        unbound: Unbound,
    ) -> Result<Result<(Resource<SenderEnd>, Resource<ReceiverEnd>), Error>> {
        let capacity = match capacity {
            Capacity::Rendezvous => broker::Capacity::Rendezvous,
            Capacity::Unbounded => broker::Capacity::Unbounded,
            Capacity::Bounded(n) => match NonZeroUsize::new(n as usize) {
                Some(n) => broker::Capacity::Bounded(n),
                None => broker::Capacity::Rendezvous,
            },
        };
        let exchange = &self.shared.exchange;
        if exchange.is_beyond(|counts| counts.channels >= MOST_CHANNELS) {
            return Ok(Err(Error::TooLarge(MOST_CHANNELS as u64)));
        }
        let meta = ChannelMeta::new(Some(self.trust.get()), unbound.into());
        let Some((sender, receiver)) = exchange.create_channel(capacity, meta, self.party) else {
            wasmtime::bail!("out of channel numbers");
        };
        let sender = match self.hold(SenderEnd(sender))? {
            Ok(sender) => sender,
            Err(exceeded) => return Ok(Err(NotSent::Limit(exceeded).into())),
        };
        match self.hold(ReceiverEnd(receiver))? {
            Ok(receiver) => Ok(Ok((sender, receiver))),
            Err(exceeded) => {
                self.let_go(sender)?;
                Ok(Err(NotSent::Limit(exceeded).into()))
            }
        }
    }

    fn open_sender(&mut self, id: u64) -> Result<Result<Resource<SenderEnd>, Error>> {
        Ok(match self.open(id, Side::Sender) {
            Some(end) => self
                .hold(SenderEnd(end))?
                .map_err(|exceeded| NotSent::Limit(exceeded).into()),
            None => Err(Error::Absent),
        })
    }

    fn open_receiver(&mut self, id: u64) -> Result<Result<Resource<ReceiverEnd>, Error>> {
        Ok(match self.open(id, Side::Receiver) {
            Some(end) => self
                .hold(ReceiverEnd(end))?
                .map_err(|exceeded| NotSent::Limit(exceeded).into()),
            None => Err(Error::Absent),
        })
    }
}

impl HostSender for Caller<'_> {
    fn id(&mut self, end: Resource<SenderEnd>) -> Result<u64> {
        let end = &self.table.get(&end)?.0;
        Ok(self.number(end))
    }

    async fn send(
        &mut self,
        end: Resource<SenderEnd>,
        body: Vec<u8>,
        exact: bool,
        attachments: Option<AttachmentRefs>,
        timeout: Option<u64>,
    ) -> Result<Result<(), Error>> {
        match self.deferred_error.take_for(Side::Sender, end.rep()) {
            Some(error) => Ok(Err(error)),
            None => {
                self.send_whole(&end, (body, exact, attachments), timeout)
                    .await
            }
        }
    }

    async fn put(&mut self, end: Resource<SenderEnd>, body: Vec<u8>) -> Result<bool> {
        let sent = self.send_whole(&end, (body, false, None), None).await?;
        let result = sent.map_err(|error| self.deferred_error.keep(Side::Sender, end.rep(), error));
        Ok(result.is_ok())
    }

    async fn put_array(&mut self, _: Resource<SenderEnd>, _: Vec<u8>, _: Vec<u8>) -> Result<bool> {
        // Each part would be copied once more than it is joined.
        wasmtime::bail!("`sender.put-array` is overridden in the linker")
    }

    fn duplicate(&mut self, end: Resource<SenderEnd>) -> Result<Resource<SenderEnd>> {
        let copy = copy(&self.table.get(&end)?.0, self.party)?;
        self.must_hold(SenderEnd(copy))
    }

    fn close(&mut self, end: Resource<SenderEnd>) -> Result<()> {
        let end = &self.table.get(&end)?.0;
        end.exchange().with(|broker, effects| {
            broker.close(end.channel, effects);
        });
        Ok(())
    }

    fn poison(&mut self, end: Resource<SenderEnd>, reason: Vec<u8>) -> Result<Result<(), Error>> {
        if reason.len() > LONGEST_REASON {
            return Ok(Err(Error::TooLarge(LONGEST_REASON as u64)));
        }
        if let Err(refusal) = encoding::check(&reason, 0, MAX_DEPTH) {
            return Ok(Err(Error::NotShareable(refusal.to_string())));
        }
        let end = &self.table.get(&end)?.0;
        let kept = match KeptAccounts::of(&self.account, &self.shared.kept).charge(reason.len()) {
            Ok(kept) => kept,
            Err(exceeded) => return Ok(Err(NotSent::Limit(exceeded).into())),
        };
        // The first reason stays.
        let _ = end.meta.poison.set((reason, kept));
        end.exchange().with(|broker, effects| {
            broker.close(end.channel, effects);
        });
        Ok(Ok(()))
    }

    fn destroy(&mut self, end: Resource<SenderEnd>) -> Result<()> {
        destroy(&self.table.get(&end)?.0);
        Ok(())
    }

    fn release(&mut self, end: Resource<SenderEnd>) -> Result<()> {
        self.table.get_mut(&end)?.0.note_release();
        Ok(())
    }

    fn info(&mut self, end: Resource<SenderEnd>) -> Result<Info> {
        Ok(self.describe(&self.table.get(&end)?.0))
    }

    fn drop(&mut self, end: Resource<SenderEnd>) -> Result<()> {
        self.let_go(end)?;
        Ok(())
    }
}

impl HostReceiver for Caller<'_> {
    fn id(&mut self, end: Resource<ReceiverEnd>) -> Result<u64> {
        let end = &self.table.get(&end)?.0;
        Ok(self.number(end))
    }

    async fn receive(
        &mut self,
        _: Resource<ReceiverEnd>,
        _: Option<u64>,
    ) -> Result<Result<channels::Message, Error>> {
        // Lowering the return value could lose the message if the guest died then.
        wasmtime::bail!("`receiver.receive` is overridden in the linker")
    }

    async fn take(&mut self, _: Resource<ReceiverEnd>) -> Result<Option<Vec<u8>>> {
        wasmtime::bail!("`receiver.take` is overridden in the linker")
    }

    fn length(&mut self, end: Resource<ReceiverEnd>) -> Result<u32> {
        let channel = self.table.get(&end)?.0.channel;
        let length = self.shared.exchange.with(|broker, _| broker.len(channel));
        Ok(u32::try_from(length.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    fn capacity(&mut self, end: Resource<ReceiverEnd>) -> Result<Capacity> {
        let channel = self.table.get(&end)?.0.channel;
        let capacity = self
            .shared
            .exchange
            .with(|broker, _| broker.capacity(channel));
        Ok(match capacity {
            Some(broker::Capacity::Bounded(n)) => {
                Capacity::Bounded(u32::try_from(n.get()).unwrap_or(u32::MAX))
            }
            Some(broker::Capacity::Rendezvous) => Capacity::Rendezvous,
            Some(broker::Capacity::Unbounded) | None => Capacity::Unbounded,
        })
    }

    fn duplicate(&mut self, end: Resource<ReceiverEnd>) -> Result<Resource<ReceiverEnd>> {
        let copy = copy(&self.table.get(&end)?.0, self.party)?;
        self.must_hold(ReceiverEnd(copy))
    }

    fn close(&mut self, end: Resource<ReceiverEnd>) -> Result<Result<(), Error>> {
        let end = &self.table.get(&end)?.0;
        let closed = end
            .exchange()
            .with(|broker, effects| broker.close_if_empty(end.channel, effects));
        Ok(match closed {
            Some(false) => Err(Error::NotEmpty),
            Some(true) | None => Ok(()),
        })
    }

    fn destroy(&mut self, end: Resource<ReceiverEnd>) -> Result<()> {
        destroy(&self.table.get(&end)?.0);
        Ok(())
    }

    fn release(&mut self, end: Resource<ReceiverEnd>) -> Result<()> {
        self.table.get_mut(&end)?.0.note_release();
        Ok(())
    }

    fn info(&mut self, end: Resource<ReceiverEnd>) -> Result<Info> {
        Ok(self.describe(&self.table.get(&end)?.0))
    }

    fn drop(&mut self, end: Resource<ReceiverEnd>) -> Result<()> {
        self.let_go(end)?;
        Ok(())
    }
}

/// Adds the functions to `linker` whose parameters or results the bindings have no types for.
pub(super) fn add_copying(linker: &mut Linker<State>) -> Result<()> {
    let mut channels = linker.instance("archipel:island/channels@0.1.0")?;
    channels.func_wrap_async(
        "[method]sender.put-array",
        |mut store, (end, head, elements): (_, WasmList<u8>, WasmList<u8>)| {
            Box::new(async move {
                let most = store.data_mut().caller().most_bytes();
                let (head, elements) = (head.as_le_slice(&store), elements.as_le_slice(&store));
                // Longer bodies are not copied; one byte more than allowed is refused in the same way.
                let size = head
                    .len()
                    .saturating_add(elements.len())
                    .min(most.saturating_add(1));
                let mut body = Vec::with_capacity(size);
                body.extend_from_slice(&head[..size.min(head.len())]);
                body.extend_from_slice(&elements[..size - body.len()]);
                Ok((store.data_mut().caller().put(end, body).await?,))
            })
        },
    )?;
    channels.func_wrap_async("[method]receiver.receive", |mut store, (end, timeout)| {
        Box::new(async move {
            let received = store
                .data_mut()
                .caller()
                .receive_whole(end, timeout)
                .await?;
            Ok((Fits::or(received, Err(Error::NoMemory)),))
        })
    })?;
    channels.func_wrap_async("[method]receiver.take", |mut store, (end,)| {
        Box::new(async move {
            let taken = store.data_mut().caller().take_plain(end).await?;
            // The `receive` that follows returns the error.
            Ok((Fits::or(taken, None),))
        })
    })
}

impl Caller<'_> {
    async fn send_whole(
        &mut self,
        end: &Resource<SenderEnd>,
        message: Outgoing,
        timeout: Option<u64>,
    ) -> Result<Result<(), Error>> {
        let end = &mut self.table.get_mut(end)?.0;
        end.note_use();
        let channel = end.channel;
        let meta = end.meta.clone();
        let message = self.check(message).await?;
        let message = outgoing(self, message, meta.owner.as_ref(), meta.unbound)?;
        let message = match message.and_then(|message| self.charge(message)) {
            Ok(message) => message,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let cases = vec![Case::Send(channel, message)];
        Ok(match self.wait_for(cases, duration(timeout)).await {
            Ok(done) => match done.map(|done| done.outcome) {
                Some(Outcome::Sent) => Ok(()),
                other => Err(failure(other)),
            },
            Err(interrupted) => Err(interrupted.into()),
        })
    }

    async fn receive_whole(
        &mut self,
        end: Resource<ReceiverEnd>,
        timeout: Option<u64>,
    ) -> Result<Result<Arrival, Error>> {
        if let Some(error) = self.deferred_error.take_for(Side::Receiver, end.rep()) {
            return Ok(Err(error));
        }
        Ok(match self.received(&end, timeout).await? {
            Ok((message, origin)) => Arrival::new(self, message, origin)?.map_err(Error::from),
            Err(error) => Err(error),
        })
    }

    async fn take_plain(&mut self, end: Resource<ReceiverEnd>) -> Result<Option<BareArrival>> {
        Ok(match self.received(&end, None).await? {
            // A message that is not plain returns to its channel.
            Ok((message, origin)) => BareArrival::new(self, message, origin),
            Err(error) => {
                self.deferred_error.keep(Side::Receiver, end.rep(), error);
                None
            }
        })
    }

    /// Removes undelivered ends from the guest's table.
    pub(super) fn take_stranded(&mut self) -> Result<()> {
        let stranded = {
            let mut stranded = lock(&self.stranded);
            std::mem::take(&mut *stranded)
        };
        take_back(self, stranded)
    }

    /// Receives the next message, and returns it with its origin.
    async fn received(
        &mut self,
        end: &Resource<ReceiverEnd>,
        timeout: Option<u64>,
    ) -> Result<Result<(Message, Option<Origin>), Error>> {
        self.take_stranded()?;
        let end = &mut self.table.get_mut(end)?.0;
        end.note_use();
        let meta = end.meta.clone();
        let cases = vec![Case::Receive(end.channel)];
        let done = match self.wait_for(cases, duration(timeout)).await {
            Ok(done) => done,
            Err(interrupted) => return Ok(Err(interrupted.into())),
        };
        Ok(match done.map(|done| (done.outcome, done.origin)) {
            Some((Outcome::Received(message), origin)) => Ok((message, origin)),
            other => Err(not_received(other.map(|(outcome, _)| outcome), &meta)),
        })
    }

    /// Returns the number of a channel in the guest's family.
    fn number(&self, end: &End) -> u64 {
        let exchange = &self.shared.exchange;
        let number = match self.island.upgrade() {
            Some(island) => island.family.channels.number(exchange, end),
            None => 0,
        };
        exchange.with(|broker, _| broker.set_label(end.channel, number));
        number
    }

    /// Returns an end of the channel with that number, if the guest may open it.
    fn open(&self, id: u64, side: Side) -> Option<End> {
        let island = self.island.upgrade()?;
        let (channel, meta) = island.family.channels.find(id)?;
        if !meta.owner.as_ref()?.is_shared_with(&self.trust.get()) {
            return None;
        }
        let exchange = &self.shared.exchange;
        let acquired = exchange.with(|broker, _| broker.acquire(channel, side, self.party));
        acquired.then(|| End::held(exchange, channel, side, meta, self.party))
    }

    /// Returns what a guest is allowed to know about a channel.
    fn describe(&self, end: &End) -> Info {
        let info = end.exchange().with(|broker, _| broker.info(end.channel));
        let unbound = end.meta.unbound.into();
        let Some(info) = info else {
            return Info {
                closed: true,
                used: true,
                length: 0,
                waiting: 0,
                unbound,
                senders: Vec::new(),
                receivers: Vec::new(),
            };
        };
        let family = self.island.upgrade().map(|island| island.family.clone());
        let numbers = |parties: Vec<PartyId>| {
            parties
                .into_iter()
                .filter_map(|party| family.as_ref()?.id_of(party))
                .collect()
        };
        Info {
            closed: info.closed,
            used: info.used,
            unbound,
            length: u32::try_from(info.len).unwrap_or(u32::MAX),
            waiting: u32::try_from(info.waiting_senders).unwrap_or(u32::MAX),
            senders: numbers(info.senders),
            receivers: numbers(info.receivers),
        }
    }
}

fn destroy(end: &End) {
    end.exchange().with(|broker, effects| {
        broker.destroy(end.channel, effects);
    });
}
