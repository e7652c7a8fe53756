//! The thread that computes: one batch after another, in which every answer advances by a token and
//! waiting prompts advance by a chunk (continuous batching; Yu et al., Orca, 2022).
//!
//! It does not know requests or templates. When the cache is full, the caches of idle slots go first, then
//! the youngest run is put back and computed again later.

use super::answer::Run;
use super::mailbox::{Delivery, Mailbox};
use super::slots::{Slot, place};
use crate::native::{Batch, Context, DecodeError, Model};
use crate::protocol::Reply;
use std::collections::VecDeque;
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode};

/// Tokens of prompts in a batch while answers are being written: few enough for these not to stall.
const CHUNK_BESIDE_ANSWERS: usize = 128;

/// Cells that a run should find free beyond its prompt before it is admitted.
const HEADROOM: usize = 64;

/// One token per slot, then chunks of prompts.
struct Share {
    slot: usize,
    count: usize,
    output: Option<usize>,
}

/// The scheduler's state.
pub(crate) struct Scheduler<'a> {
    model: Arc<Model>,
    context: Context,
    slots: Vec<Slot>,
    queue: VecDeque<Run>,
    batch: Batch,
    cells: usize,
    batch_size: usize,
    step: u64,
    mailbox: &'a Mailbox,
    send: &'a dyn Fn(Reply),
}

impl<'a> Scheduler<'a> {
    /// `cells` and `batch_size` are those that the context was made with.
    pub(crate) fn new(
        model: Arc<Model>,
        context: Context,
        slots: u32,
        cells: usize,
        batch_size: usize,
        mailbox: &'a Mailbox,
        send: &'a dyn Fn(Reply),
    ) -> Self {
        let slots = (0..slots as i32).map(Slot::new).collect();
        let (queue, batch) = (VecDeque::new(), Batch::default());
        Self { model, context, slots, queue, batch, cells, batch_size, step: 0, mailbox, send }
    }

    /// Computes until the mailbox is closed.
    pub(crate) fn run(mut self) {
        loop {
            let idle = self.queue.is_empty() && self.slots.iter().all(|slot| slot.run.is_none());
            let delivery = self.mailbox.receive(idle);
            if delivery.closed {
                return;
            }
            self.accept(delivery);
            self.admit();
            self.compute();
        }
    }

    fn accept(&mut self, delivery: Delivery) {
        self.queue.extend(delivery.runs);
        if delivery.cancelled.is_empty() {
            return;
        }
        let before = self.queue.len();
        self.queue.retain(|run| !delivery.cancelled.contains(&run.id));
        self.mailbox.left_queue(before - self.queue.len());
        for slot in &mut self.slots {
            // What was computed stays cached: the caller may come back.
            slot.run.take_if(|run| delivery.cancelled.contains(&run.id));
        }
    }

    /// Gives waiting runs to free slots, in order of arrival.
    fn admit(&mut self) {
        while let Some(run) = self.queue.front() {
            let busy: usize = self.slots.iter().filter_map(|slot| slot.run.as_ref()).map(|run| run.tokens.len()).sum();
            let wanted = run.tokens.len() + HEADROOM.min(run.limit - run.tokens.len());
            if busy > 0 && busy + wanted > self.cells {
                return;
            }
            let Some(placement) = place(&self.slots, &run.tokens, self.model.can_cut()) else { return };
            let Some(mut run) = self.queue.pop_front() else { return };
            self.mailbox.left_queue(1);
            let shared = self.prepare(placement.slot, placement.source, placement.shared);
            if run.tokens.len() == run.prompt {
                run.reused = shared;
            }
            self.step += 1;
            let slot = &mut self.slots[placement.slot];
            (slot.admitted, slot.used, slot.run) = (self.step, self.step, Some(run));
        }
    }

    /// Makes the beginning of `source` the content of `target`; how much really is in the cache comes back.
    fn prepare(&mut self, target: usize, source: usize, length: usize) -> usize {
        let sequence = self.slots[target].sequence;
        let kept = if target == source { length } else { 0 };
        if self.slots[target].cached.len() > kept {
            let cut = self.context.truncate(sequence, kept);
            self.slots[target].cached.truncate(if cut { kept } else { 0 });
        }
        if target != source && length > 0 {
            self.context.share_prefix(self.slots[source].sequence, sequence, length);
            self.slots[target].cached = self.slots[source].cached[..length].to_vec();
        }
        self.slots[target].cached.len()
    }

    fn compute(&mut self) {
        let shares = loop {
            let shares = self.plan();
            let used: usize = self.slots.iter().map(|slot| slot.cached.len()).sum();
            let planned: usize = shares.iter().map(|share| share.count).sum();
            if used + planned <= self.cells || !self.make_room() {
                break shares;
            }
        };
        if shares.is_empty() {
            return;
        }
        let shares = self.fill(shares);
        let calls = shares.iter().filter_map(|share| self.slots[share.slot].run.as_ref()).map(|run| run.id).collect();
        self.mailbox.computing(calls);
        let decoded = self.context.decode(&mut self.batch);
        self.mailbox.computing(Default::default());
        match decoded {
            Ok(()) => self.advance(&shares),
            Err(DecodeError::NoSpace) => {
                if !self.make_room() {
                    self.fail(&shares, "The model's cache is too small for this conversation.");
                }
            }
            Err(DecodeError::Aborted) => shares.iter().for_each(|share| self.clear(share.slot)),
            Err(DecodeError::Failed(code)) => self.fail(&shares, &format!("The model failed (code {code}).")),
        }
    }

    /// Who gets how many tokens of the next batch: answers one each, then prompts in order of admission.
    fn plan(&self) -> Vec<Share> {
        let mut shares = Vec::new();
        let mut order: Vec<usize> = (0..self.slots.len()).filter(|&at| !self.slots[at].pending().is_empty()).collect();
        order.sort_by_key(|&at| (self.slots[at].pending().len() > 1, self.slots[at].admitted));
        let answers = order.iter().filter(|&&at| self.slots[at].pending().len() == 1).count();
        let limit = if answers > 0 { answers + CHUNK_BESIDE_ANSWERS } else { self.batch_size };
        let mut room = limit.min(self.batch_size);
        for slot in order {
            let count = self.slots[slot].pending().len().min(room);
            if count > 0 {
                room -= count;
                shares.push(Share { slot, count, output: None });
            }
        }
        shares
    }

    /// Writes the batch; each share learns where its logits will be.
    fn fill(&mut self, mut shares: Vec<Share>) -> Vec<Share> {
        self.batch.clear();
        for share in &mut shares {
            let slot = &self.slots[share.slot];
            let pending = slot.pending();
            for (offset, &token) in pending[..share.count].iter().enumerate() {
                let is_last = offset + 1 == pending.len();
                let index = self.batch.push(token, slot.cached.len() + offset, slot.sequence, is_last);
                share.output = is_last.then_some(index);
            }
        }
        shares
    }

    fn advance(&mut self, shares: &[Share]) {
        self.step += 1;
        for share in shares {
            let slot = &mut self.slots[share.slot];
            let Some(run) = &mut slot.run else { continue };
            let start = slot.cached.len();
            slot.cached.extend_from_slice(&run.tokens[start..start + share.count]);
            slot.used = self.step;
            if let Some(output) = share.output
                && run.advance(self.context.logits(output), &self.model, self.send)
            {
                slot.run = None;
            }
        }
    }

    /// Frees cells: the oldest idle cache, else the youngest of several runs. False when nothing can go.
    fn make_room(&mut self) -> bool {
        let idle = (0..self.slots.len())
            .filter(|&at| self.slots[at].run.is_none() && !self.slots[at].cached.is_empty())
            .min_by_key(|&at| self.slots[at].used);
        if let Some(idle) = idle {
            self.clear(idle);
            return true;
        }
        let running = (0..self.slots.len()).filter(|&at| self.slots[at].run.is_some());
        if running.clone().count() < 2 {
            return false;
        }
        let Some(youngest) = running.max_by_key(|&at| self.slots[at].admitted) else { return false };
        if let Some(run) = self.slots[youngest].run.take() {
            self.queue.push_front(run);
            self.mailbox.rejoined_queue();
        }
        self.clear(youngest);
        true
    }

    fn clear(&mut self, slot: usize) {
        self.context.truncate(self.slots[slot].sequence, 0);
        self.slots[slot].cached.clear();
        self.slots[slot].used = 0;
    }

    fn fail(&mut self, shares: &[Share], why: &str) {
        for share in shares {
            if let Some(run) = self.slots[share.slot].run.take() {
                let error = Error::new(ErrorCode::WorkerFailed, format!("{why} Try again."));
                (self.send)(Reply::Error { id: run.id, error });
            }
            self.clear(share.slot);
        }
    }
}
