//! What a sequence is computed for: an answer in the making, or one judgement.
//!
//! It does not know slots or batches.

use super::output::OutputReader;
use super::sampling::Sampler;
use super::text::{StopFinder, Utf8Joiner};
use crate::native::{Model, Token};
use crate::protocol::{CallId, Reply};
use std::sync::{Arc, Mutex, PoisonError};
use yizhan_domain::{FinishReason, Usage};
use yizhan_model::ChatEvent;

/// A sequence to be computed.
pub(crate) struct Run {
    /// The call that it belongs to.
    pub(crate) id: CallId,
    /// Prompt and, behind it, the answer so far.
    pub(crate) tokens: Vec<Token>,
    /// Length of the prompt.
    pub(crate) prompt: usize,
    /// Tokens of the prompt that were in the cache already.
    pub(crate) reused: usize,
    /// Most tokens that `tokens` may grow to.
    pub(crate) limit: usize,
    /// What for.
    pub(crate) work: Work,
}

/// What the logits are wanted for.
pub(crate) enum Work {
    /// Token after token of an answer.
    Answer(Box<Answer>),
    /// Yes or no, once.
    Judge(Judgement),
}

impl Run {
    /// Takes the logits after the last token. Replies are sent; true when nothing more is to be computed.
    pub(crate) fn advance(&mut self, logits: &[f32], model: &Model, send: &dyn Fn(Reply)) -> bool {
        match &mut self.work {
            Work::Judge(judgement) => {
                judgement.judge(logits, self.id, send);
                true
            }
            Work::Answer(answer) => {
                let Some(token) = answer.sampler.choose(logits, &self.tokens, &self.tokens[self.prompt..]) else {
                    let error = yizhan_domain::Error::internal("The model gave no usable probabilities.");
                    send(Reply::Error { id: self.id, error });
                    return true;
                };
                let mut reason = None;
                if model.is_end(token) {
                    reason = Some(FinishReason::Stop);
                } else {
                    self.tokens.push(token);
                    if answer.take(token, model, self.id, send) {
                        reason = Some(FinishReason::Stop);
                    } else if self.tokens.len() >= self.limit {
                        reason = Some(FinishReason::Length);
                    }
                }
                let Some(reason) = reason else { return false };
                let usage = Usage {
                    prompt_tokens: self.prompt as u32,
                    completion_tokens: (self.tokens.len() - self.prompt) as u32,
                    cached_tokens: self.reused as u32,
                    ..Usage::default()
                };
                answer.finish(reason, usage, self.id, send);
                true
            }
        }
    }
}

/// From tokens to events.
pub(crate) struct Answer {
    sampler: Sampler,
    joiner: Utf8Joiner,
    stops: StopFinder,
    stopped: bool,
    reader: OutputReader,
}

impl Answer {
    /// An answer that has not begun.
    pub(crate) fn new(sampler: Sampler, stops: StopFinder, reader: OutputReader) -> Self {
        Self { sampler, joiner: Utf8Joiner::default(), stops, stopped: false, reader }
    }

    /// One more token; true when a stop sequence was met.
    fn take(&mut self, token: Token, model: &Model, id: CallId, send: &dyn Fn(Reply)) -> bool {
        model.push_piece(token, self.joiner.pending());
        let text = self.joiner.take();
        self.show(&text, id, send);
        self.stopped
    }

    fn show(&mut self, text: &str, id: CallId, send: &dyn Fn(Reply)) {
        let (text, stopped) = self.stops.push(text);
        self.stopped = stopped;
        for event in self.reader.push(&text) {
            send(Reply::Event { id, event });
        }
    }

    fn finish(&mut self, mut reason: FinishReason, usage: Usage, id: CallId, send: &dyn Fn(Reply)) {
        if !self.stopped {
            let rest = self.joiner.finish();
            self.show(&rest, id, send);
        }
        let held = if self.stopped { String::new() } else { self.stops.finish() };
        let mut events = self.reader.push(&held);
        events.extend(self.reader.finish());
        if self.reader.has_calls() && reason == FinishReason::Stop {
            reason = FinishReason::ToolCalls;
        }
        events.push(ChatEvent::finish(reason));
        events.push(ChatEvent::End { usage });
        for event in events {
            send(Reply::Event { id, event });
        }
    }
}

/// One passage of a `Score` call.
pub(crate) struct Judgement {
    /// Which passage.
    pub(crate) index: usize,
    /// First tokens of an answer that means yes.
    pub(crate) yes: Vec<Token>,
    /// First tokens of an answer that means no.
    pub(crate) no: Vec<Token>,
    /// Where the call's scores are collected.
    pub(crate) sheet: Arc<Mutex<Vec<Option<f32>>>>,
}

impl Judgement {
    fn judge(&self, logits: &[f32], id: CallId, send: &dyn Fn(Reply)) {
        let score = yes_share(logits, &self.yes, &self.no);
        let mut sheet = self.sheet.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = sheet.get_mut(self.index) {
            *place = Some(score);
        }
        if let Some(scores) = sheet.iter().copied().collect::<Option<Vec<f32>>>() {
            send(Reply::Scores { id, scores });
        }
    }
}

/// The share of yes in yes and no together, 0–1.
fn yes_share(logits: &[f32], yes: &[Token], no: &[Token]) -> f32 {
    let logit = |token: &Token| logits.get(*token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    let best = yes.iter().chain(no).map(logit).fold(f32::NEG_INFINITY, f32::max);
    if !best.is_finite() {
        return 0.0;
    }
    let weight = |tokens: &[Token]| tokens.iter().map(|token| (logit(token) - best).exp()).sum::<f32>();
    let (yes, no) = (weight(yes), weight(no));
    yes / (yes + no)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
