//! Calls that are answered at once: embeddings, scores of passages, moderation; searches are in `passages`.
//! The same way as a chat call's, without a stream.
//!
//! It does not know wire formats.

use crate::call::Caller;
use crate::chat::Gateway;
use crate::journal::Journal;
use crate::underway::{Underway, Walk};
use std::time::Instant;
use yizhan_access::{Ask, Permit, Standing};
use yizhan_audit::{Charged, Kind, Served};
use yizhan_domain::{CallId, Error, ErrorCode, ModelName, Money, Result, Usage};
use yizhan_guard::{Action, Finding, Side, TextCheck};
use yizhan_model::{ChatRequest, EmbedKind, Embeddings};
use yizhan_telemetry::{Heard, Outgoing, Step, Tried};

/// A short token has about this many bytes: estimates are rather too high than too low.
const BYTES_A_TOKEN: usize = 3;

/// A call that was answered at once.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// What reply, audit record and log line have in common.
    pub call: CallId,
    /// What was asked for.
    pub value: T,
    /// How near the caller is to their limits.
    pub standing: Standing,
}

impl<T> Answered<T> {
    /// The same call with its value in other words.
    pub fn map<U>(self, words: impl FnOnce(T) -> U) -> Answered<U> {
        Answered { call: self.call, value: words(self.value), standing: self.standing }
    }
}

/// What a call has used, and who did the work, if any model did.
#[derive(Default)]
pub(crate) struct Took {
    pub(crate) usage: Usage,
    pub(crate) charge: Option<Charged>,
    pub(crate) by: Option<ModelName>,
}

impl Took {
    /// One model did all of it.
    fn by(model: &ModelName, prompt_tokens: u32, walk: &Walk) -> Self {
        let usage = prompt(prompt_tokens);
        Self { usage, charge: cost(walk, model, &usage), by: Some(model.clone()) }
    }
}

/// So many tokens of a prompt, and no answer.
pub(crate) fn prompt(prompt_tokens: u32) -> Usage {
    Usage { prompt_tokens, ..Usage::default() }
}

/// A text of so many bytes has about so many tokens.
pub(crate) fn tokens_of(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_A_TOKEN)).unwrap_or(u32::MAX)
}

pub(crate) fn tokens<'a>(texts: impl IntoIterator<Item = &'a String>) -> u32 {
    texts.into_iter().fold(0, |sum: u32, text| sum.saturating_add(tokens_of(text.len()) + 1))
}

impl Gateway {
    /// One vector per text.
    pub async fn embed(
        &self,
        caller: &Caller,
        model: ModelName,
        kind: EmbedKind,
        mut texts: Vec<String>,
    ) -> Result<Answered<Embeddings>> {
        let mut underway = self.set_out(Kind::Embedding, caller, &model)?;
        let walk = underway.walk()?;
        let steps = async {
            self.reserve_texts(caller, &model, tokens(&texts), walk).await?;
            check(&mut texts, walk)?;
            let embedder = self.knowledge.parts().models.embed(&model)?;
            let found = traced(walk, &model, embedder.embed(kind, texts)).await?;
            let took = Took::by(&model, found.tokens, walk);
            Ok((found, took))
        };
        let done = steps.await;
        self.arrived(underway.arrive()?, done).await
    }

    /// One score per passage, and what it took.
    pub async fn rerank(
        &self,
        caller: &Caller,
        model: ModelName,
        query: String,
        passages: Vec<String>,
    ) -> Result<Answered<(Vec<f32>, Usage)>> {
        let mut underway = self.set_out(Kind::Rerank, caller, &model)?;
        let walk = underway.walk()?;
        let steps = async {
            let mut texts = passages;
            texts.push(query);
            let estimate = tokens(&texts);
            self.reserve_texts(caller, &model, estimate, walk).await?;
            check(&mut texts, walk)?;
            let query = texts.pop().unwrap_or_default();
            let reranker = self.knowledge.parts().models.rerank(&model)?;
            let scores = traced(walk, &model, reranker.rerank(&query, texts)).await?;
            // Rerankers tell no count.
            let took = Took::by(&model, estimate, walk);
            Ok(((scores, took.usage), took))
        };
        let done = steps.await;
        self.arrived(underway.arrive()?, done).await
    }

    /// What the rules find in each text, as if it were on its way to a model.
    pub async fn moderate(
        &self,
        caller: &Caller,
        model: ModelName,
        texts: Vec<String>,
    ) -> Result<Answered<Vec<TextCheck>>> {
        let mut underway = self.set_out(Kind::Moderation, caller, &model)?;
        let walk = underway.walk()?;
        let steps = async {
            self.reserve_texts(caller, &model, 0, walk).await?;
            let guard = walk.policy.guard.as_ref().ok_or_else(|| {
                let message = "No rules are configured here: choose packs or files under [rules] in yizhan.toml.";
                Error::new(ErrorCode::InvalidConfig, message)
            })?;
            let checks: Vec<TextCheck> = texts.iter().map(|text| guard.check_text(text, Side::Input)).collect();
            checks.iter().for_each(|check| walk.journal.found(&check.findings, false));
            Ok((checks, Took::default()))
        };
        let done = steps.await;
        self.arrived(underway.arrive()?, done).await
    }

    /// The tokens of a conversation's prompt, without asking the model for an answer.
    pub async fn count_tokens(&self, caller: &Caller, model: &ModelName, request: &ChatRequest) -> Result<u32> {
        caller.principal.require_model(model)?;
        let target = self.resolve(&self.policy(), &caller.principal, model, self.step()).await?;
        target.route.first().count_tokens(request).await
    }

    pub(crate) fn set_out(&self, kind: Kind, caller: &Caller, model: &ModelName) -> Result<Underway<'_>> {
        self.ledger.is_open()?;
        Ok(Underway::new(Walk::new(self.policy(), Journal::begin(kind, caller, model)), &self.ledger))
    }

    async fn reserve_texts(&self, caller: &Caller, model: &ModelName, tokens: u32, walk: &mut Walk) -> Result<()> {
        let money = cost(walk, model, &prompt(tokens)).map_or(Money::ZERO, |charge| charge.amount);
        self.reserve_prompt(caller, model, u64::from(tokens), money, walk).await
    }

    /// Sets aside what a call without an answer in words may use.
    pub(crate) async fn reserve_prompt(
        &self,
        caller: &Caller,
        model: &ModelName,
        prompt_tokens: u64,
        money: Money,
        walk: &mut Walk,
    ) -> Result<()> {
        let ask = Ask { model: model.clone(), prompt_tokens, max_output_tokens: Some(0), money };
        walk.enter(Step::Limits);
        walk.reserve(&self.access, &caller.principal, &ask).await?;
        walk.leave();
        Ok(())
    }

    /// Settles the permit, and notes the call.
    pub(crate) async fn arrived<T>(&self, walk: Walk, done: Result<(T, Took)>) -> Result<Answered<T>> {
        let (value, Took { usage, charge, by }) = match done {
            Ok(done) => done,
            Err(error) => return Err(self.refused(walk, error).await),
        };
        let served = by.map(|model| {
            let provider = walk.policy.provider_of(&model).to_owned();
            Served { provider, model: model.as_str().to_owned() }
        });
        let Walk { mut journal, permit, .. } = walk;
        let standing = permit.as_ref().map(Permit::standing).unwrap_or_default();
        if let Some(permit) = permit {
            let money = charge.as_ref().map_or(Money::ZERO, |charge| charge.amount);
            permit.settle(u64::from(usage.total_tokens()), money);
        }
        journal.end(usage, charge);
        journal.record.status = 200;
        journal.record.served = served;
        let call = journal.record.call.clone();
        self.ledger.close(journal).await?;
        Ok(Answered { call, value, standing })
    }
}

/// Asks a model, and notes in the trace that it was asked.
async fn traced<T>(walk: &mut Walk, model: &ModelName, work: impl Future<Output = Result<T>>) -> Result<T> {
    walk.leave();
    let Some(outgoing) = walk.journal.trace.outgoing().map(|outgoing| outgoing.child()) else { return work.await };
    let (place, began) = (outgoing.context(), Instant::now());
    let heard = Heard::default();
    let done = heard.along(Outgoing::along(Some(outgoing), work)).await;
    walk.journal.trace.tried(&Tried {
        place,
        began,
        took: began.elapsed(),
        provider: walk.policy.provider_of(model),
        model: model.as_str(),
        status: heard.status(),
        error: done.as_ref().err().map_or("", |error| error.code().as_str()),
        streamed: false,
        last_resort: false,
    });
    done
}

pub(crate) fn cost(walk: &Walk, model: &ModelName, usage: &Usage) -> Option<Charged> {
    let policy = &walk.policy;
    let cost = policy.cost(policy.provider_of(model), model, usage, walk.journal.time_ms());
    cost.map(|(amount, version)| Charged { amount, version })
}

/// Rules for texts that are embedded, scored or searched for: masks are done, blocks are errors.
pub(crate) fn check(texts: &mut [String], walk: &mut Walk) -> Result<()> {
    let Some(guard) = walk.policy.guard.clone().filter(|guard| !guard.is_empty(Side::Input)) else { return Ok(()) };
    walk.enter(Step::Rules);
    for text in texts {
        let check = guard.check_text(text, Side::Input);
        walk.journal.found(&check.findings, false);
        if let Some(error) = check.error {
            return Err(if for_a_person(&check.findings) { not_held(&error) } else { error });
        }
        *text = check.text;
    }
    Ok(())
}

/// Is there nothing but the wish that a person looks at it first?
fn for_a_person(findings: &[Finding]) -> bool {
    let any = |action| findings.iter().any(|finding| finding.action == action);
    any(Action::Review) && !any(Action::Block)
}

/// A text by itself does not say what a person would need to know to decide on it, so that only chat calls are held.
fn not_held(error: &Error) -> Error {
    let message = format!("{} Only chat calls are held for a person, so it is blocked here.", error.message());
    Error::new(error.code(), message)
}
