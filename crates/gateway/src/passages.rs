//! A search in a knowledge base, as a call: limited, checked by the rules, counted and recorded.
//!
//! It does not know how passages are found, or how they are shown.

use crate::call::{Caller, RetrievalWishes};
use crate::chat::Gateway;
use crate::governed::{Answered, Took, check, cost, prompt, tokens, tokens_of};
use crate::underway::Walk;
use yizhan_audit::{Charged, Kind};
use yizhan_domain::{ModelName, Money, Result};
use yizhan_knowledge::{Found, RERANK_DEPTH, SearchOptions};
use yizhan_store::{Base, Chunking};
use yizhan_telemetry::{Outgoing, Step};

/// A model puts a prefix and marks around a query; estimates allow so many tokens for them.
const AROUND: u32 = 8;

/// The models that a search asks, and what each may read or has read, in tokens.
struct Work {
    embedder: Option<ModelName>,
    query: u32,
    reranker: Option<ModelName>,
    judged: u32,
}

impl Work {
    /// The most that it can become.
    fn most(base: &Base, queries: &[String], options: &SearchOptions) -> Self {
        let embedder = base.settings.embedding.clone().filter(|_| options.needs_vectors());
        let query: u32 = queries.iter().map(|query| tokens([query]).saturating_add(AROUND)).sum();
        let (Chunking::Window { tokens: chunk, .. } | Chunking::Structure { tokens: chunk }) = base.settings.chunking;
        let passages = u32::try_from(RERANK_DEPTH.max(options.top)).unwrap_or(u32::MAX);
        let one_each = chunk.saturating_mul(u32::try_from(queries.len()).unwrap_or(u32::MAX)).saturating_add(query);
        let judged = if options.rerank.is_some() { passages.saturating_mul(one_each) } else { 0 };
        let query = if embedder.is_some() { query } else { 0 };
        Self { embedder, query, reranker: options.rerank.clone(), judged }
    }

    fn tokens(&self) -> u32 {
        self.query.saturating_add(self.judged)
    }

    /// Both models' work; the price lists' versions are named together where they differ.
    fn charge(&self, walk: &Walk) -> Option<Charged> {
        let of = |model: &Option<ModelName>, tokens| cost(walk, model.as_ref()?, &prompt(tokens));
        match (of(&self.embedder, self.query), of(&self.reranker, self.judged)) {
            (Some(query), Some(judged)) => {
                let version = match query.version == judged.version {
                    true => query.version,
                    false => format!("{}, {}", query.version, judged.version),
                };
                Some(Charged { amount: query.amount + judged.amount, version })
            }
            (query, judged) => query.or(judged),
        }
    }

    fn took(self, walk: &Walk) -> Took {
        Took { usage: prompt(self.tokens()), charge: self.charge(walk), by: self.embedder.or(self.reranker) }
    }
}

impl Gateway {
    /// The best passages for each query. For limits and for the models that a key is for, the base counts by
    /// its name. `PermissionDenied` when the key is not for it.
    pub async fn find(
        &self,
        caller: &Caller,
        base: &Base,
        mut queries: Vec<String>,
        wishes: RetrievalWishes,
    ) -> Result<Answered<Vec<Vec<Found>>>> {
        let name = ModelName::new(base.name.as_str());
        let mut underway = self.set_out(Kind::Search, caller, &name)?;
        let walk = underway.walk()?;
        walk.journal.record.extra.insert("base".to_owned(), base.id.as_str().into());
        let options = options(wishes, walk.policy.chat.as_ref());
        let steps = async {
            let mut work = Work::most(base, &queries, &options);
            let money = work.charge(walk).map_or(Money::ZERO, |charge| charge.amount);
            self.reserve_prompt(caller, &name, u64::from(work.tokens()), money, walk).await?;
            check(&mut queries, walk)?;
            walk.enter(Step::Retrieval);
            (work.query, work.judged) = (0, 0);
            let mut all = Vec::with_capacity(queries.len());
            for query in &queries {
                let searching = self.knowledge.search_counted(base, query, &options);
                let searched = Outgoing::along(walk.outgoing(), searching).await?;
                work.query = work.query.saturating_add(searched.query_tokens);
                work.judged = work.judged.saturating_add(tokens_of(searched.judged_bytes));
                all.push(searched.found);
            }
            walk.found(std::slice::from_ref(base), all.iter().map(Vec::len).sum());
            let took = work.took(walk);
            Ok((all, took))
        };
        let done = steps.await;
        self.arrived(underway.arrive()?, done).await
    }
}

/// What was not said is OpenAI's default.
fn options(wishes: RetrievalWishes, reranker: Option<&ModelName>) -> SearchOptions {
    let default = SearchOptions::default();
    SearchOptions {
        mode: wishes.mode.unwrap_or_default(),
        top: wishes.top.unwrap_or(default.top),
        filter: wishes.filter,
        min_score: wishes.min_score.unwrap_or(default.min_score),
        rerank: reranker.filter(|_| wishes.rerank.unwrap_or(false)).cloned(),
    }
}
