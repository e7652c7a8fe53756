//! Ingestion: one job after another from the store, until there is none or someone says stop.
//!
//! A job is a lease. It is prolonged while work goes on, and given up by the death of the process
//! or of this future; the document is then claimed again. It does not know who submits documents.

use crate::chunk::{Tokens, chunk_document};
use crate::indexes::blocking;
use crate::knowledge::Knowledge;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use yizhan_domain::{BaseId, DocumentId, Error, ErrorCode, Result};
use yizhan_model::{EmbedKind, EmbedModel};
use yizhan_store::{DocumentState, Job, NewChunk, Processed};

/// A lease is this long, and prolonged three times as often.
const LEASE: Duration = Duration::from_secs(60);
/// Attempts before a document that fails for a passing reason is given up.
const ATTEMPTS: u32 = 3;
/// How often the end of the process may cut work on a document short before the document is suspected of it. High,
/// as it may as well have been an impatient operator, or another document that was worked on at the same time.
const INTERRUPTIONS: u32 = 8;
/// How long an idle ingestor waits before it looks for leases that ran out and retries that are due.
const IDLE: Duration = Duration::from_secs(1);
/// Chunks embedded by one call; two calls are under way at once.
const EMBED_BATCH: usize = 32;

/// Time spent on a document, by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageTimes {
    /// Reading and parsing.
    pub parse: Duration,
    /// Cutting into chunks.
    pub chunk: Duration,
    /// Embedding.
    pub embed: Duration,
    /// Committing to the store and applying to the indexes.
    pub index: Duration,
}

/// What became of one job.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The document's number.
    pub id: DocumentId,
    /// The document's name.
    pub document: String,
    /// `Ready`, `Failed`, or `Queued` when it will be tried again.
    pub state: DocumentState,
    /// Why not ready.
    pub reason: Option<String>,
    /// Chunks that can now be found.
    pub chunks: usize,
    /// Where the time went.
    pub times: StageTimes,
}

/// Called with `(document, chunks embedded, chunks in all)` while a document is embedded.
pub type OnProgress = Arc<dyn Fn(&str, usize, usize) + Send + Sync>;

/// Works off jobs. Several may run at once, also in several processes.
#[derive(Clone)]
pub struct Ingestor {
    knowledge: Arc<Knowledge>,
    progress: OnProgress,
}

impl Ingestor {
    /// An ingestor that reports to nobody.
    pub fn new(knowledge: Arc<Knowledge>) -> Self {
        Self { knowledge, progress: Arc::new(|_, _, _| {}) }
    }

    /// The same, reporting how far a document is.
    pub fn with_progress(mut self, progress: OnProgress) -> Self {
        self.progress = progress;
        self
    }

    /// Works until the future is dropped. Call it on a task of its own.
    pub async fn run(&self) {
        self.knowledge.tidy().await;
        loop {
            let submitted = self.knowledge.submitted.notified();
            match self.step(None).await {
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "ingestion cannot go on for now"),
            }
            if let Err(error) = self.knowledge.flush().await {
                tracing::error!(%error, "indexes could not be made durable");
            }
            let _ = tokio::time::timeout(IDLE, submitted).await;
        }
    }

    /// Takes one job if there is one and carries it to its end.
    pub async fn step(&self, base: Option<&BaseId>) -> Result<Option<Outcome>> {
        let store = &self.knowledge.parts().store;
        let Some(job) = store.claim(base, LEASE).await? else {
            return Ok(None);
        };
        let mut times = StageTimes::default();
        let result = match given_up(&job) {
            Some(reason) => Err(reason),
            None => tokio::select! {
                result = self.process(&job, &mut times) => result,
                lost = self.keep_lease(&job) => Err(lost),
            },
        };
        let outcome = match result {
            Ok(chunks) => self.outcome(&job, DocumentState::Ready, None, chunks, times),
            Err(error) => {
                let retry = retry_after(&error, job.attempt);
                let state = if retry.is_some() { DocumentState::Queued } else { DocumentState::Failed };
                if !store.fail(&job, error.message(), retry).await? {
                    tracing::info!(document = job.document.name, "superseded while it was processed");
                }
                self.outcome(&job, state, Some(error.message().to_owned()), 0, times)
            }
        };
        // A file that this content replaced is needed no longer.
        self.knowledge.tidy().await;
        Ok(Some(outcome))
    }

    fn outcome(
        &self,
        job: &Job,
        state: DocumentState,
        reason: Option<String>,
        chunks: usize,
        times: StageTimes,
    ) -> Outcome {
        Outcome { id: job.document.id, document: job.document.name.clone(), state, reason, chunks, times }
    }

    /// Prolongs the lease for as long as it is polled; ends when the lease is lost.
    async fn keep_lease(&self, job: &Job) -> Error {
        let mut tick = tokio::time::interval(LEASE / 3);
        tick.tick().await;
        loop {
            tick.tick().await;
            match self.knowledge.parts().store.extend(job, LEASE).await {
                Ok(true) => {}
                Ok(false) => {
                    return Error::new(ErrorCode::Cancelled, "The document was replaced or removed meanwhile.");
                }
                Err(error) => tracing::warn!(%error, "a lease could not be prolonged"),
            }
        }
    }

    async fn process(&self, job: &Job, times: &mut StageTimes) -> Result<usize> {
        let parts = self.knowledge.parts();
        let mut clock = Instant::now();
        let mut lap = move || std::mem::replace(&mut clock, Instant::now()).elapsed();
        let bytes = parts.blobs.get(&job.document.hash).await?;
        let (parser, name) = (Arc::clone(&parts.parser), job.document.name.clone());
        let parsed = blocking(move || parser.parse(&name, &bytes)).await?;
        for warning in &parsed.warnings {
            tracing::warn!(document = job.document.name, "{warning}");
        }
        times.parse = lap();
        let embed = self.knowledge.embed_model(&job.base)?;
        let (chunking, model, handle) = (job.base.settings.chunking, embed.clone(), Handle::current());
        let mut processed = blocking(move || {
            let tokens = ModelTokens { model, handle };
            chunk_document(&parsed, chunking, &tokens)
        })
        .await?;
        times.chunk = lap();
        if processed.chunks.is_empty() {
            return Err(Error::new(
                ErrorCode::UnreadableDocument,
                format!("'{}' contains no text that could be found later.", job.document.name),
            ));
        }
        if let Some(model) = embed {
            self.embed(&job.document.name, model, &mut processed).await?;
        }
        times.embed = lap();
        let count = processed.chunks.len();
        if parts.store.complete(job, processed).await?.is_none() {
            return Err(Error::new(ErrorCode::Cancelled, "The document was replaced or removed meanwhile."));
        }
        self.knowledge.level(&job.base).await?;
        times.index = lap();
        Ok(count)
    }

    async fn embed(&self, name: &str, model: Arc<dyn EmbedModel>, processed: &mut Processed) -> Result<()> {
        let total = processed.chunks.len();
        let texts: Vec<String> = processed.chunks.iter().map(embedded_text).collect();
        let mut batches = texts.chunks(EMBED_BATCH).map(<[String]>::to_vec);
        let mut pending = std::collections::VecDeque::new();
        let mut done = 0;
        loop {
            while pending.len() < 2
                && let Some(batch) = batches.next()
            {
                let model = Arc::clone(&model);
                pending
                    .push_back(AbortOnDrop(tokio::spawn(async move { model.embed(EmbedKind::Passage, batch).await })));
            }
            let Some(mut task) = pending.pop_front() else { break };
            let embeddings = (&mut task.0).await.map_err(|error| Error::internal(format!("embedding: {error}")))??;
            for (chunk, row) in processed.chunks[done..].iter_mut().zip(embeddings.rows()) {
                chunk.vector = row.to_vec();
            }
            done = (done + embeddings.rows().len()).min(total);
            (self.progress)(name, done, total);
        }
        if done < total {
            return Err(Error::internal("the embedding model returned fewer vectors than it was given texts"));
        }
        Ok(())
    }
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A chunk is embedded together with the headings above it: alone it often lacks its subject.
fn embedded_text(chunk: &NewChunk) -> String {
    if chunk.heading.is_empty() { chunk.text.clone() } else { format!("{}\n{}", chunk.heading.join(" / "), chunk.text) }
}

/// Why work on a document does not even begin again; none: it does.
fn given_up(job: &Job) -> Option<Error> {
    // Attempts only get this far when leases run out, which the end of a process that nobody followed does.
    let often = job.interruptions.max(job.attempt.saturating_sub(1));
    (often >= INTERRUPTIONS).then(|| {
        let message = format!(
            "The program ended {often} times while it worked on this document, and it is not tried again. If the \
             document was not the cause, add it once more."
        );
        Error::new(ErrorCode::UnreadableDocument, message)
    })
}

/// A document's own fault is final; a fault of the surroundings may pass.
fn retry_after(error: &Error, attempt: u32) -> Option<Duration> {
    let passing = matches!(
        error.code(),
        ErrorCode::WorkerFailed | ErrorCode::Timeout | ErrorCode::Overloaded | ErrorCode::Io | ErrorCode::Internal
    );
    (passing && attempt < ATTEMPTS).then(|| Duration::from_secs(1 << (2 * attempt).min(8)))
}

/// The embedding model's own tokens, or words where a base has none.
struct ModelTokens {
    model: Option<Arc<dyn EmbedModel>>,
    handle: Handle,
}

impl Tokens for ModelTokens {
    fn ranges(&self, texts: &[&str]) -> Result<Vec<Vec<Range<u32>>>> {
        match &self.model {
            Some(model) => {
                let texts = texts.iter().map(|text| (*text).to_owned()).collect();
                self.handle.block_on(model.token_ranges(texts))
            }
            None => Ok(texts.iter().map(|text| crate::chunk::word_ranges(text)).collect()),
        }
    }
}
