//! The way of a call through the cache, told once: may it be answered from memory, is its answer there, is the
//! answer of nearly the same question there, is somebody making it, or else make it.
//!
//! It does not know what is done with a hit.

use crate::answer::Answer;
use crate::facts::Facts;
use crate::fitness::{Unfit, Wish, unfit};
use crate::key::{Key, Partition, canonical_key, key_around_question};
use crate::near::{Near, Question};
use crate::pending::Pending;
use crate::replay::Pace;
use crate::replies::{Entered, ReplyCache};
use crate::settings::Settings;
use crate::shared::SharedStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use yizhan_domain::{ModelName, Role};
use yizhan_model::{ChatRequest, EmbedKind, EmbedModel, EventStream};

/// All kept answers of an installation.
pub struct Cache {
    settings: Settings,
    replies: ReplyCache,
    near: Arc<Near>,
    embedder: Option<Arc<dyn EmbedModel>>,
    counts: Counts,
}

/// What [`Cache::look_up`] found.
pub enum LookedUp {
    /// An answer.
    Hit(Hit),
    /// None. What is made now may be kept, unless the caller does not want that.
    Miss(Option<Pending>),
    /// The request has nothing to do with the cache.
    Off(Unfit),
}

/// How an answer was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found {
    /// The request is the same.
    Exact,
    /// The question is nearly the same.
    Similar {
        /// Of the two questions' vectors.
        cosine: f32,
    },
}

/// An answer from memory.
pub struct Hit {
    /// The answer.
    pub answer: Arc<Answer>,
    /// How it was found.
    pub found: Found,
}

impl Hit {
    /// The model's events again.
    pub fn stream(&self, pace: Pace) -> EventStream {
        Arc::clone(&self.answer).stream(pace)
    }
}

/// Counts since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Same requests answered.
    pub exact: u64,
    /// Similar questions answered.
    pub similar: u64,
    /// Requests that might have been, but were not.
    pub missed: u64,
    /// Requests that the cache is not for.
    pub unfit: u64,
    /// Answers in memory.
    pub answers: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Questions that can be compared.
    pub questions: u64,
    /// Answers that the store of several processes gave.
    pub shared_hits: u64,
    /// Those that it did not have, or had in a form that is not read here.
    pub shared_misses: u64,
    /// Times that it could not be read.
    pub shared_failures: u64,
}

#[derive(Default)]
struct Counts {
    exact: AtomicU64,
    similar: AtomicU64,
    missed: AtomicU64,
    unfit: AtomicU64,
}

impl Cache {
    /// An empty one. Without an embedding model only same requests are found.
    pub fn new(
        settings: Settings,
        embedder: Option<Arc<dyn EmbedModel>>,
        shared: Option<Arc<dyn SharedStore>>,
    ) -> Self {
        let replies = ReplyCache::new(settings.clone(), shared);
        let near = Arc::new(Near::new(&settings.semantic));
        let embedder = embedder.filter(|_| settings.semantic.enabled);
        Self { settings, replies, near, embedder, counts: Counts::default() }
    }

    /// What holds.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Looks for the answer to a request as it stands after the rules on input and with its sampling complete,
    /// but before documents are put into it. May wait for an equal call, see [`Settings::share_seconds`];
    /// dropping the future ends that.
    pub async fn look_up(
        &self,
        partition: &Partition,
        app: Option<&ModelName>,
        request: &ChatRequest,
        wish: Wish,
    ) -> LookedUp {
        let names = [&partition.model, &partition.route].into_iter().chain(app);
        if let Some(why) = unfit(&self.settings, names, request, wish) {
            self.counts.unfit.fetch_add(1, Ordering::Relaxed);
            return LookedUp::Off(why);
        }
        let key = canonical_key(partition, request);
        // The state of documents is a count of this process's own store: elsewhere it may mean another.
        let replies = if partition.knowledge.is_empty() { self.replies.clone() } else { self.replies.unshared() };
        match wish.read {
            true => self.read(&replies, partition, request, key, wish.write).await,
            false => {
                let pending = replies.alone(key);
                let question = self.question(partition, request).await;
                self.missed(Some(pending), question)
            }
        }
    }

    async fn read(
        &self,
        replies: &ReplyCache,
        partition: &Partition,
        request: &ChatRequest,
        key: Key,
        write: bool,
    ) -> LookedUp {
        if let Some(answer) = replies.find(&key).await {
            return self.hit(answer, Found::Exact);
        }
        let question = self.question(partition, request).await;
        if let Some(question) = &question
            && let Some(hit) = self.similar(replies, question).await
        {
            return hit;
        }
        if !write {
            return self.missed(None, question);
        }
        match replies.enter(key).await {
            Entered::Hit(answer) => self.hit(answer, Found::Exact),
            Entered::Miss(pending) => self.missed(Some(pending), question),
        }
    }

    fn hit(&self, answer: Arc<Answer>, found: Found) -> LookedUp {
        let count = match found {
            Found::Exact => &self.counts.exact,
            Found::Similar { .. } => &self.counts.similar,
        };
        count.fetch_add(1, Ordering::Relaxed);
        LookedUp::Hit(Hit { answer, found })
    }

    fn missed(&self, mut pending: Option<Pending>, question: Option<Question>) -> LookedUp {
        self.counts.missed.fetch_add(1, Ordering::Relaxed);
        if let (Some(pending), Some(question)) = (&mut pending, question) {
            pending.ask(Arc::clone(&self.near), question);
        }
        LookedUp::Miss(pending)
    }

    async fn similar(&self, replies: &ReplyCache, question: &Question) -> Option<LookedUp> {
        let nearest = self.near.find(question)?;
        match replies.find(&nearest.key).await {
            Some(answer) => Some(self.hit(answer, Found::Similar { cosine: nearest.cosine })),
            None => {
                self.near.remove(&question.around, &nearest.key);
                None
            }
        }
    }

    /// What is compared; none where the request is not a question that others may ask in other words, or its
    /// vector cannot be had: then it is a miss.
    async fn question(&self, partition: &Partition, request: &ChatRequest) -> Option<Question> {
        let embedder = self.embedder.as_ref()?;
        let answered = || request.messages.iter().any(|message| message.role == Role::Assistant);
        if self.settings.semantic.first_turn_only && answered() {
            return None;
        }
        let (around, text) = key_around_question(partition, request)?;
        let facts = Facts::of(text)?;
        // Both sides are questions, so both get the same prefix.
        match embedder.embed(EmbedKind::Query, vec![text.to_owned()]).await {
            Ok(found) => {
                let vector = found.rows().next()?.to_vec();
                Some(Question { around, vector, facts })
            }
            Err(error) => {
                tracing::warn!(%error, "questions cannot be compared: their embedding failed");
                None
            }
        }
    }

    /// Forgets everything that is in memory.
    pub fn clear(&self) {
        self.replies.clear();
        self.near.clear();
    }

    /// Counts for metrics.
    pub fn statistics(&self) -> Statistics {
        let (answers, bytes) = self.replies.size();
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Statistics {
            exact: read(&self.counts.exact),
            similar: read(&self.counts.similar),
            missed: read(&self.counts.missed),
            unfit: read(&self.counts.unfit),
            answers: answers as u64,
            bytes: bytes as u64,
            questions: self.near.len() as u64,
            shared_hits: read(&self.replies.shared_counts().hits),
            shared_misses: read(&self.replies.shared_counts().misses),
            shared_failures: read(&self.replies.shared_counts().failures),
        }
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
