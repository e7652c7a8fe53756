//! The texts that wait for their vectors, and which of them are computed together next.
//!
//! It does not know encoders.

use crate::protocol::CallId;
use std::collections::{HashSet, VecDeque};
use yizhan_model::EmbedKind;

/// Bytes of text that are computed together: some thousand tokens, a fraction of a second, after which a
/// question that came meanwhile has its turn.
const SLICE_BYTES: usize = 12 << 10;

/// One call.
pub(crate) struct Task {
    /// The call.
    pub(crate) id: CallId,
    /// Which prefix its texts get.
    pub(crate) kind: EmbedKind,
    /// Its texts.
    pub(crate) texts: Vec<String>,
    /// The vectors so far, row after row.
    pub(crate) values: Vec<f32>,
    /// How many texts have theirs.
    pub(crate) done: usize,
    /// Tokens that were computed.
    pub(crate) tokens: u32,
}

impl Task {
    /// A call that has just arrived.
    pub(crate) fn new(id: CallId, kind: EmbedKind, texts: Vec<String>) -> Self {
        Self { id, kind, texts, values: Vec::new(), done: 0, tokens: 0 }
    }
}

/// The calls in order of arrival; questions overtake the rest.
#[derive(Default)]
pub(crate) struct Tasks {
    waiting: VecDeque<Task>,
}

/// Texts of one kind to be computed together: for each task its position in the queue and how many of its texts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Their kind.
    pub(crate) kind: EmbedKind,
    /// Queue positions with numbers of texts.
    pub(crate) parts: Vec<(usize, usize)>,
}

impl Tasks {
    /// A new call.
    pub(crate) fn push(&mut self, task: Task) {
        self.waiting.push_back(task);
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Forgets calls whose caller went away.
    pub(crate) fn cancel(&mut self, ids: &HashSet<CallId>) {
        self.waiting.retain(|task| !ids.contains(&task.id));
    }

    /// What to compute next: questions if there are any, else the oldest call and others of its kind.
    pub(crate) fn next_slice(&self) -> Option<Slice> {
        let question = self.waiting.iter().find(|task| task.kind == EmbedKind::Query);
        let kind = question.or(self.waiting.front())?.kind;
        let mut parts = Vec::new();
        let mut bytes = 0;
        'tasks: for (at, task) in self.waiting.iter().enumerate().filter(|(_, task)| task.kind == kind) {
            let mut count = 0;
            for text in &task.texts[task.done..] {
                if bytes > 0 && bytes + text.len() > SLICE_BYTES {
                    if count > 0 {
                        parts.push((at, count));
                    }
                    break 'tasks;
                }
                // An empty text counts too, so that a slice is never endless.
                bytes += text.len().max(1);
                count += 1;
            }
            parts.push((at, count));
        }
        Some(Slice { kind, parts })
    }

    /// The texts of a slice, in order.
    pub(crate) fn texts(&self, slice: &Slice) -> Vec<&str> {
        let of_part = |&(at, count): &(usize, usize)| {
            self.waiting.get(at).into_iter().flat_map(move |task| task.texts.iter().skip(task.done).take(count))
        };
        slice.parts.iter().flat_map(of_part).map(String::as_str).collect()
    }

    /// Hands a slice's vectors to its tasks: `width` numbers and one count of tokens per text. The finished tasks
    /// come back.
    pub(crate) fn fulfil(&mut self, slice: &Slice, values: &[f32], tokens: &[u32], width: usize) -> Vec<Task> {
        let (mut rows, mut counts) = (values, tokens);
        for &(at, count) in &slice.parts {
            let Some(task) = self.waiting.get_mut(at) else { continue };
            let (mine, others) = rows.split_at((count * width).min(rows.len()));
            let (my_counts, other_counts) = counts.split_at(count.min(counts.len()));
            (rows, counts) = (others, other_counts);
            task.values.extend_from_slice(mine);
            task.tokens += my_counts.iter().sum::<u32>();
            task.done += count;
        }
        let is_done = |task: &Task| task.done >= task.texts.len();
        let (finished, waiting) = std::mem::take(&mut self.waiting).into_iter().partition::<VecDeque<_>, _>(is_done);
        self.waiting = waiting;
        finished.into()
    }
}

impl Tasks {
    /// Forgets the calls of a slice that could not be computed; their numbers come back.
    pub(crate) fn give_up(&mut self, slice: &Slice) -> Vec<CallId> {
        let ids: HashSet<CallId> =
            slice.parts.iter().filter_map(|&(at, _)| self.waiting.get(at)).map(|task| task.id).collect();
        self.cancel(&ids);
        ids.into_iter().collect()
    }
}

#[cfg(test)]
#[path = "tasks_tests.rs"]
mod tests;
