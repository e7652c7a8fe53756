//! A remote embedding model, by OpenAI's `/embeddings`, which all vendors here speak.
//!
//! It does not know what the vectors are for, beyond the prefix that a side of a search gets.

use crate::config::ModelConfig;
use crate::estimate::{cut, pieces, scale, text_tokens};
use crate::failure::{Failure, Outcome, What};
use crate::provider::Shared;
use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;
use yizhan_dialect::{AnswerFault, VendorError};
use yizhan_domain::{Error, ModelName, Result};
use yizhan_model::{EmbedKind, EmbedModel, Embeddings};

/// An embedding model of a provider.
pub(crate) struct RemoteEmbed {
    shared: Arc<Shared>,
    model: ModelConfig,
    dimensions: usize,
    uri: Uri,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Row>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Row {
    embedding: Vec<f32>,
    #[serde(default)]
    index: Option<usize>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<u32>,
    #[serde(default)]
    total_tokens: Option<u32>,
}

impl RemoteEmbed {
    pub(crate) fn new(shared: Arc<Shared>, model: ModelConfig) -> Result<Self> {
        let uri = shared.client.route(&format!("{}/embeddings", shared.base))?;
        let dimensions = model.dimensions.unwrap_or(0);
        Ok(Self { shared, model, dimensions, uri })
    }

    /// The text with its prefix, cut to what the model takes.
    fn prepare(&self, kind: EmbedKind, text: &str) -> String {
        let prefix = match kind {
            EmbedKind::Query => self.model.query_prefix.as_str(),
            EmbedKind::Passage => self.model.passage_prefix.as_str(),
            EmbedKind::Plain => "",
        };
        // A longer text would be refused. The estimate is too high, so that a little too much is cut off.
        let most = self.max_tokens() as f32 / self.model.token_factor;
        let whole = format!("{prefix}{text}");
        cut(&whole, most as usize).to_owned()
    }

    async fn batch(&self, texts: &[String], into: &mut Embeddings) -> Outcome<()> {
        let dimensions = self.model.send_dimensions.then_some(self.dimensions);
        let request = Request { model: self.model.upstream(), input: texts, encoding_format: "float", dimensions };
        let body = serde_json::to_vec(&request).map_err(|cause| What::Malformed(cause.to_string()))?;
        let reply = self.shared.client.post_whole(&self.uri, Bytes::from(body)).await?;
        let reply: Reply = read(&reply)?;
        let tokens = reply.usage.as_ref().and_then(|usage| usage.prompt_tokens.or(usage.total_tokens));
        let estimate = || scale(texts.iter().map(|text| text_tokens(text)).sum(), self.model.token_factor);
        into.tokens = into.tokens.saturating_add(tokens.filter(|count| *count > 0).unwrap_or_else(estimate));
        for row in in_order(reply.data, texts.len(), self.dimensions)? {
            into.values.extend(unit(row));
        }
        Ok(())
    }
}

/// A reply, or the error that came in its place.
pub(crate) fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Outcome<T> {
    serde_json::from_slice(body).map_err(|error| match VendorError::read(body) {
        Some(said) => AnswerFault::Vendor(said).into(),
        None => AnswerFault::from(error).into(),
    })
}

/// The vectors in the order of the texts: each once, all of one length.
fn in_order(rows: Vec<Row>, count: usize, dimensions: usize) -> Outcome<Vec<Vec<f32>>> {
    let wrong = |what: String| Failure::from(What::Malformed(what));
    let mut sorted: Vec<Option<Vec<f32>>> = vec![None; count];
    for (position, row) in rows.into_iter().enumerate() {
        if row.embedding.len() != dimensions {
            let length = row.embedding.len();
            return Err(wrong(format!("vectors have {length} numbers, 'dimensions' says {dimensions}")));
        }
        match sorted.get_mut(row.index.unwrap_or(position)) {
            Some(place @ None) => *place = Some(row.embedding),
            _ => return Err(wrong("two vectors are for one text, or for none".to_owned())),
        }
    }
    let all: Option<Vec<Vec<f32>>> = sorted.into_iter().collect();
    all.ok_or_else(|| wrong("a text has no vector".to_owned()))
}

/// Brought to length 1, as the trait demands; not all vendors do.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 && length.is_finite() && (length - 1.0).abs() > 1e-4 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

#[async_trait]
impl EmbedModel for RemoteEmbed {
    fn name(&self) -> &ModelName {
        &self.model.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn max_tokens(&self) -> usize {
        self.model.context_length as usize
    }

    async fn embed(&self, kind: EmbedKind, texts: Vec<String>) -> Result<Embeddings> {
        let mut all = Embeddings { dimensions: self.dimensions, ..Embeddings::default() };
        let prepared: Vec<String> = texts.iter().map(|text| self.prepare(kind, text)).collect();
        if let Some(index) = prepared.iter().position(|text| text.trim().is_empty()) {
            return Err(Error::invalid(format!("input[{index}]"), "There is nothing to embed in an empty text."));
        }
        let size = self.model.batch.unwrap_or(self.shared.vendor.most_texts());
        for texts in prepared.chunks(size.max(1)) {
            self.batch(texts, &mut all).await.map_err(|failure| self.shared.tell(failure))?;
        }
        Ok(all)
    }

    /// Estimated: the pieces that stand for tokens where no vocabulary is at hand (four letters, one digit, one Chinese
    /// character…). Chunks cut by them are mostly a little shorter than asked for, and never lose text.
    async fn token_ranges(&self, texts: Vec<String>) -> Result<Vec<Vec<Range<u32>>>> {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let ranges = |text: &String| {
            let pieces = pieces(text).filter(|piece| !text[piece.range.clone()].trim().is_empty());
            pieces.map(|piece| narrow(piece.range.start)..narrow(piece.range.end)).collect()
        };
        Ok(texts.iter().map(ranges).collect())
    }
}
