//! Calls that are answered at once: embeddings, scores of passages, moderation. The same way as a chat
//! call's, without a stream.
//!
//! It does not know wire formats.

use crate::call::Caller;
use crate::chat::Gateway;
use crate::journal::Journal;
use yizhan_access::Ask;
use yizhan_audit::{Charged, Kind, Served};
use yizhan_domain::{Error, ErrorCode, ModelName, Money, Result, Usage};
use yizhan_guard::{Side, TextCheck};
use yizhan_model::{EmbedKind, Embeddings};

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
        let estimate = tokens(&texts);
        let mut journal = Journal::begin(Kind::Embedding, caller, &model);
        let work = async {
            self.check(&mut texts, &mut journal)?;
            let found = self.knowledge.parts().models.embed(&model)?.embed(kind, texts).await?;
            let usage = Usage { prompt_tokens: found.tokens, ..Usage::default() };
            Ok((found, usage))
        };
        let worked = self.permitted(caller, &model, estimate, work).await;
        self.end(journal, &model, worked).await
    }

    /// One score per passage.
    pub async fn rerank(
        &self,
        caller: &Caller,
        model: ModelName,
        query: String,
        passages: Vec<String>,
    ) -> Result<(Vec<f32>, Usage)> {
        let estimate = tokens(passages.iter().chain([&query]));
        let mut journal = Journal::begin(Kind::Rerank, caller, &model);
        let work = async {
            let mut texts = passages;
            texts.push(query);
            self.check(&mut texts, &mut journal)?;
            let query = texts.pop().unwrap_or_default();
            let scores = self.knowledge.parts().models.rerank(&model)?.rerank(&query, texts).await?;
            let usage = Usage { prompt_tokens: estimate, ..Usage::default() };
            Ok(((scores, usage), usage))
        };
        let worked = self.permitted(caller, &model, estimate, work).await;
        self.end(journal, &model, worked).await
    }

    /// What the rules find in each text, as if it were on its way to a model.
    pub async fn moderate(&self, caller: &Caller, model: ModelName, texts: Vec<String>) -> Result<Vec<TextCheck>> {
        let mut journal = Journal::begin(Kind::Moderation, caller, &model);
        let guard = self.policy().guard.clone();
        let work = async {
            let guard = guard.ok_or_else(|| {
                let message = "No rules are configured here: choose packs or files under [rules] in yizhan.toml.";
                Error::new(ErrorCode::InvalidConfig, message)
            })?;
            let checks: Vec<TextCheck> = texts.iter().map(|text| guard.check_text(text, Side::Input)).collect();
            checks.iter().for_each(|check| journal.found(&check.findings, false));
            Ok((checks, Usage::default()))
        };
        let worked = self.permitted(caller, &model, 0, work).await;
        self.end(journal, &model, worked).await
    }

    /// The tokens of a conversation's prompt, without asking the model for an answer.
    pub async fn count_tokens(
        &self,
        caller: &Caller,
        model: &ModelName,
        request: &yizhan_model::ChatRequest,
    ) -> Result<u32> {
        caller.principal.require_model(model)?;
        let target = self.resolve(&self.policy(), &caller.principal, model, self.step()).await?;
        target.route.first().count_tokens(request).await
    }

    /// Rules for texts that are embedded or scored: masks are done, blocks are errors.
    fn check(&self, texts: &mut [String], journal: &mut Journal) -> Result<()> {
        let Some(guard) = self.policy().guard.clone() else { return Ok(()) };
        if guard.is_empty(Side::Input) {
            return Ok(());
        }
        for text in texts {
            let check = guard.check_text(text, Side::Input);
            journal.found(&check.findings, false);
            if let Some(error) = check.error {
                return Err(error);
            }
            *text = check.text;
        }
        Ok(())
    }

    async fn permitted<T>(
        &self,
        caller: &Caller,
        model: &ModelName,
        tokens: u32,
        work: impl Future<Output = Result<(T, Usage)>>,
    ) -> Result<(T, Usage)> {
        self.ledger.is_open()?;
        let policy = self.policy();
        let now = crate::journal::now_ms();
        let usage = Usage { prompt_tokens: tokens, ..Usage::default() };
        let cost = |usage: &Usage| policy.cost("", model, usage, now).map_or(Money::ZERO, |(amount, _)| amount);
        let ask = Ask {
            model: model.clone(),
            prompt_tokens: u64::from(tokens),
            max_output_tokens: Some(0),
            money: cost(&usage),
        };
        let permit = self.access.reserve(&caller.principal, &ask).await?;
        let (done, usage) = work.await?;
        permit.settle(u64::from(usage.total_tokens()), cost(&usage));
        Ok((done, usage))
    }

    async fn end<T>(&self, mut journal: Journal, model: &ModelName, worked: Result<(T, Usage)>) -> Result<T> {
        match worked {
            Ok((done, usage)) => {
                let cost = self.policy().cost("", model, &usage, journal.time_ms());
                journal.end(usage, cost.map(|(amount, version)| Charged { amount, version }));
                journal.record.status = 200;
                journal.record.served = Some(Served { provider: String::new(), model: model.as_str().to_owned() });
                self.ledger.keep(journal.record).await?;
                Ok(done)
            }
            Err(error) => Err(self.refused(journal, error).await),
        }
    }
}
