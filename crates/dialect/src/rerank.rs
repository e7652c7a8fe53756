//! `/v1/rerank` in Jina's and Cohere's first shape, `/v2/rerank` in Cohere's second. They differ little: one
//! reader and one reply serve all three.
//!
//! It does not know models, nor how they score.

use crate::object::{Object, short, wrong_kind};
use serde_json::{Value, json};
use yizhan_domain::{Error, Fields, Result, TokenCount};

/// Most documents of one request.
const MAX_DOCUMENTS: usize = 2048;

/// Which route was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RerankVersion {
    /// Documents come back unless the request says otherwise, as Jina's do.
    V1,
    /// Documents do not come back.
    V2,
}

/// A request to order documents.
#[derive(Clone, Debug, PartialEq)]
pub struct RerankRequest {
    /// The model's name.
    pub model: String,
    /// The question, not empty.
    pub query: String,
    /// The documents' texts.
    pub documents: Vec<String>,
    /// At most so many results.
    pub top_n: Option<usize>,
    /// Send the documents back.
    pub return_documents: bool,
    /// What else each document held, where they came as objects.
    beside: Vec<Fields>,
}

impl RerankRequest {
    /// Reads a request. Errors name the path of the field. What concerns a vendor's own models only
    /// (`max_chunks_per_doc`, `truncation`, `priority`, …) is passed over.
    pub fn read(body: Value, version: RerankVersion) -> Result<Self> {
        let mut object = Object::body(body)?;
        let model = object.model()?;
        let query = object.required_string("query")?;
        if query.is_empty() {
            return Err(Error::invalid("query", "'query' is empty; there is nothing to compare the documents with."));
        }
        refuse_other_fields(&mut object)?;
        let (documents, beside) = read_documents(&mut object)?;
        let top_n = object.integer("top_n", 1..=i64::MAX)?.and_then(|n| usize::try_from(n).ok());
        let wish = object.boolean("return_documents")?;
        let return_documents = version == RerankVersion::V1 && wish.unwrap_or(true);
        Ok(Self { model, query, documents, top_n, return_documents, beside })
    }
}

/// Cohere can be told which fields of a document count; here the text does.
fn refuse_other_fields(object: &mut Object) -> Result<()> {
    let fields = object.strings("rank_fields")?.unwrap_or_default();
    if fields.iter().any(|field| field != "text") {
        return Err(Error::invalid(
            "rank_fields",
            "'rank_fields' may name 'text' only; join the fields into one text.",
        ));
    }
    Ok(())
}

fn read_documents(object: &mut Object) -> Result<(Vec<String>, Vec<Fields>)> {
    let values = object.array("documents")?.ok_or_else(|| object.missing("documents"))?;
    if values.is_empty() || values.len() > MAX_DOCUMENTS {
        let message = format!("'documents' has {} texts; send 1 to {MAX_DOCUMENTS}.", values.len());
        return Err(Error::invalid("documents", message));
    }
    let read = |(index, value)| read_document(format!("documents[{index}]"), value);
    values.into_iter().enumerate().map(read).collect::<Result<Vec<_>>>().map(|read| read.into_iter().unzip())
}

fn read_document(path: String, value: Value) -> Result<(String, Fields)> {
    match value {
        Value::String(text) => Ok((text, Fields::new())),
        Value::Object(_) => {
            let mut document = Object::at(path, value)?;
            Ok((document.required_string("text")?, document.rest()))
        }
        other => Err(wrong_kind(path, "a string or an object with a 'text'", &other)),
    }
}

/// The reply: best first, equals in the order given. `scores` are those of the documents, one for each;
/// `tokens` is what the model read, if it says so.
pub fn rerank_reply(id: &str, request: &RerankRequest, scores: &[f32], tokens: Option<TokenCount>) -> Value {
    let mut order: Vec<(usize, f32)> = scores.iter().copied().take(request.documents.len()).enumerate().collect();
    order.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    order.truncate(request.top_n.unwrap_or(usize::MAX));
    let results: Vec<Value> = order.into_iter().map(|(index, score)| write_result(request, index, score)).collect();
    let mut body = json!({"id": id, "object": "list", "model": request.model, "results": results});
    if let Some(tokens) = tokens {
        // Jina's place and Cohere's.
        body["usage"] = json!({"prompt_tokens": tokens, "total_tokens": tokens});
        body["meta"] = json!({"tokens": {"input_tokens": tokens, "output_tokens": 0}});
    }
    body
}

fn write_result(request: &RerankRequest, index: usize, score: f32) -> Value {
    let mut result = json!({"index": index, "relevance_score": short(score)});
    if request.return_documents {
        let mut document = json!({"text": request.documents[index]});
        if let Value::Object(fields) = &mut document {
            fields.extend(request.beside[index].iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        result["document"] = document;
    }
    result
}

#[cfg(test)]
#[path = "rerank_tests.rs"]
mod tests;
