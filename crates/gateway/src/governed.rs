//! Calls that are answered at once: embeddings, scores of passages, moderation. The same way as a chat
//! call's, without a stream.
//!
//! It does not know wire formats.

use crate::call::Caller;
use crate::chat::Gateway;
use crate::journal::Journal;
use crate::underway::{Underway, Walk};
use std::time::Instant;
use yizhan_access::Ask;
use yizhan_audit::{Charged, Kind, Served};
use yizhan_domain::{Error, ErrorCode, ModelName, Money, Result, Usage};
use yizhan_guard::{Side, TextCheck};
use yizhan_model::{ChatRequest, EmbedKind, Embeddings};
use yizhan_telemetry::{Outgoing, Step, Tried};

/// A short token has about this many bytes: estimates are rather too high than too low.
const BYTES_A_TOKEN: usize = 3;

fn tokens<'a>(texts: impl IntoIterator<Item = &'a String>) -> u32 {
    let bytes: usize = texts.into_iter().map(|text| text.len().div_ceil(BYTES_A_TOKEN) + 1).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Gateway {
    /// One vector per text.
    pub async fn embed(
        &self,
        caller: &Caller,
        model: ModelName,
        kind: EmbedKind,
        mut texts: Vec<String>,
    ) -> Result<Embeddings> {
        let mut underway = self.set_out(Kind::Embedding, caller, &model)?;
        let walk = underway.walk()?;
        let steps = async {
            self.reserve_texts(caller, &model, tokens(&texts), walk).await?;
            check(&mut texts, walk)?;
            let embedder = self.knowledge.parts().models.embed(&model)?;
            let found = traced(walk, &model, embedder.embed(kind, texts)).await?;
            let usage = Usage { prompt_tokens: found.tokens, ..Usage::default() };
            Ok((found, usage))
        };
        let done = steps.await;
        self.arrived(underway.arrive()?, &model, done).await
    }

    /// One score per passage, and what it took.
    pub async fn rerank(
        &self,
        caller: &Caller,
        model: ModelName,
        query: String,
        passages: Vec<String>,
    ) -> Result<(Vec<f32>, Usage)> {
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
            let usage = Usage { prompt_tokens: estimate, ..Usage::default() };
            Ok(((scores, usage), usage))
        };
        let done = steps.await;
        self.arrived(underway.arrive()?, &model, done).await
    }

    /// What the rules find in each text, as if it were on its way to a model.
    pub async fn moderate(&self, caller: &Caller, model: ModelName, texts: Vec<String>) -> Result<Vec<TextCheck>> {
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
            Ok((checks, Usage::default()))
        };
        let done = steps.await;
        self.arrived(underway.arrive()?, &model, done).await
    }

    /// The tokens of a conversation's prompt, without asking the model for an answer.
    pub async fn count_tokens(&self, caller: &Caller, model: &ModelName, request: &ChatRequest) -> Result<u32> {
        caller.principal.require_model(model)?;
        let target = self.resolve(&self.policy(), &caller.principal, model, self.step()).await?;
        target.route.first().count_tokens(request).await
    }

    fn set_out(&self, kind: Kind, caller: &Caller, model: &ModelName) -> Result<Underway<'_>> {
        self.ledger.is_open()?;
        Ok(Underway::new(Walk::new(self.policy(), Journal::begin(kind, caller, model)), &self.ledger))
    }

    async fn reserve_texts(&self, caller: &Caller, model: &ModelName, tokens: u32, walk: &mut Walk) -> Result<()> {
        walk.enter(Step::Limits);
        let usage = Usage { prompt_tokens: tokens, ..Usage::default() };
        let ask = Ask {
            model: model.clone(),
            prompt_tokens: u64::from(tokens),
            max_output_tokens: Some(0),
            money: cost(walk, model, &usage).map_or(Money::ZERO, |charge| charge.amount),
        };
        walk.permit = Some(self.access.reserve(&caller.principal, &ask).await?);
        walk.leave();
        Ok(())
    }

    async fn arrived<T>(&self, walk: Walk, model: &ModelName, done: Result<(T, Usage)>) -> Result<T> {
        let (done, usage) = match done {
            Ok(done) => done,
            Err(error) => return Err(self.refused(walk.journal, error).await),
        };
        let charge = cost(&walk, model, &usage);
        let provider = walk.policy.provider_of(model).to_owned();
        let Walk { mut journal, permit, .. } = walk;
        if let Some(permit) = permit {
            let money = charge.as_ref().map_or(Money::ZERO, |charge| charge.amount);
            permit.settle(u64::from(usage.total_tokens()), money);
        }
        journal.end(usage, charge);
        journal.record.status = 200;
        if journal.record.kind != Kind::Moderation {
            journal.record.served = Some(Served { provider, model: model.as_str().to_owned() });
        }
        self.ledger.close(journal).await?;
        Ok(done)
    }
}

/// Asks a model, and notes in the trace that it was asked.
async fn traced<T>(walk: &mut Walk, model: &ModelName, work: impl Future<Output = Result<T>>) -> Result<T> {
    walk.leave();
    let Some(outgoing) = walk.journal.trace.outgoing().map(|outgoing| outgoing.child()) else { return work.await };
    let (place, began) = (outgoing.context(), Instant::now());
    let done = Outgoing::along(Some(outgoing), work).await;
    walk.journal.trace.tried(&Tried {
        place,
        began,
        took: began.elapsed(),
        provider: walk.policy.provider_of(model),
        model: model.as_str(),
        error: done.as_ref().err().map_or("", |error| error.code().as_str()),
        streamed: false,
        last_resort: false,
    });
    done
}

fn cost(walk: &Walk, model: &ModelName, usage: &Usage) -> Option<Charged> {
    let policy = &walk.policy;
    let cost = policy.cost(policy.provider_of(model), model, usage, walk.journal.time_ms());
    cost.map(|(amount, version)| Charged { amount, version })
}

/// Rules for texts that are embedded or scored: masks are done, blocks are errors.
fn check(texts: &mut [String], walk: &mut Walk) -> Result<()> {
    let Some(guard) = walk.policy.guard.clone().filter(|guard| !guard.is_empty(Side::Input)) else { return Ok(()) };
    walk.enter(Step::Rules);
    for text in texts {
        let check = guard.check_text(text, Side::Input);
        walk.journal.found(&check.findings, false);
        if let Some(error) = check.error {
            return Err(error);
        }
        *text = check.text;
    }
    Ok(())
}
