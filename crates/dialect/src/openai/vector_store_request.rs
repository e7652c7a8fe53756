//! Requests of `/v1/vector_stores`.
//!
//! A vector store is what the rest of the program calls a knowledge base. This module does not
//! know how one is kept or searched; conditions (`filters`) pass through as JSON.

use crate::object::{Object, wrong_kind};
use serde_json::{Map, Value};
use yizhan_domain::{Error, Result};

/// Most files of one request, as OpenAI's.
const MAX_FILES: usize = 500;
/// Most attributes of one file, as OpenAI's.
const MAX_ATTRIBUTES: usize = 16;

/// How documents are to be cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChunkingWish {
    /// As the server thinks best.
    #[default]
    Auto,
    /// OpenAI's `static`: a sliding window.
    Window {
        /// Length in tokens.
        tokens: u32,
        /// How much of it the next one repeats.
        overlap: u32,
    },
    /// Our own `structure`: along headings, lists and tables.
    Structure {
        /// A chunk's most tokens.
        tokens: u32,
    },
}

/// A request to make a vector store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorStoreRequest {
    /// Its name; none: the server makes one up.
    pub name: Option<String>,
    /// Files to attach at once.
    pub file_ids: Vec<String>,
    /// How documents are cut.
    pub chunking: ChunkingWish,
    /// Our own `embedding_model`; none: the server's. An empty text: full text search only.
    pub embedding_model: Option<String>,
    /// Our own `dictionary`: words that segmentation keeps whole.
    pub dictionary: Vec<String>,
}

impl VectorStoreRequest {
    /// Reads a request. Errors name the path of the field.
    pub fn read(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        refuse_what_is_not_kept(&mut object)?;
        Ok(Self {
            name: object.string("name")?.filter(|name| !name.is_empty()),
            file_ids: read_file_ids(&mut object)?.unwrap_or_default(),
            chunking: read_chunking(&mut object)?,
            embedding_model: object.string("embedding_model")?,
            dictionary: object.strings("dictionary")?.unwrap_or_default(),
        })
    }
}

/// A request to change a vector store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorStoreUpdate {
    /// Its new name.
    pub name: Option<String>,
}

impl VectorStoreUpdate {
    /// Reads a request.
    pub fn read(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        refuse_what_is_not_kept(&mut object)?;
        Ok(Self { name: object.string("name")?.filter(|name| !name.is_empty()) })
    }
}

fn refuse_what_is_not_kept(object: &mut Object) -> Result<()> {
    if object.object("metadata")?.is_some_and(|metadata| !metadata.rest().is_empty()) {
        let message = "Vector stores keep no 'metadata'; give 'attributes' to their files instead.";
        return Err(Error::invalid("metadata", message));
    }
    if object.object("expires_after")?.is_some() {
        return Err(Error::invalid("expires_after", "Vector stores do not expire; leave 'expires_after' out."));
    }
    Ok(())
}

fn read_file_ids(object: &mut Object) -> Result<Option<Vec<String>>> {
    let ids = object.strings("file_ids")?;
    match ids {
        Some(ids) if ids.len() > MAX_FILES => {
            Err(Error::invalid("file_ids", format!("'file_ids' has {} ids; at most {MAX_FILES}.", ids.len())))
        }
        ids => Ok(ids),
    }
}

fn read_chunking(object: &mut Object) -> Result<ChunkingWish> {
    let Some(mut strategy) = object.object("chunking_strategy")? else { return Ok(ChunkingWish::Auto) };
    match strategy.required_string("type")?.as_str() {
        "auto" => Ok(ChunkingWish::Auto),
        "static" => {
            let mut window = strategy.object("static")?.ok_or_else(|| strategy.missing("static"))?;
            let tokens = read_tokens(&mut window, "max_chunk_size_tokens", 16)?;
            let overlap = read_tokens(&mut window, "chunk_overlap_tokens", 0)?;
            if overlap > tokens / 2 {
                let path = window.path_of("chunk_overlap_tokens");
                let message = format!("'{path}' must be at most half of max_chunk_size_tokens ({tokens}).");
                return Err(Error::invalid(path, message));
            }
            Ok(ChunkingWish::Window { tokens, overlap })
        }
        "structure" => {
            let mut structure = strategy.object("structure")?.ok_or_else(|| strategy.missing("structure"))?;
            Ok(ChunkingWish::Structure { tokens: read_tokens(&mut structure, "max_chunk_size_tokens", 16)? })
        }
        other => {
            let path = strategy.path_of("type");
            let message = format!("'{path}' must be 'auto', 'static' or 'structure', not '{other}'.");
            Err(Error::invalid(path, message))
        }
    }
}

fn read_tokens(object: &mut Object, key: &str, least: i64) -> Result<u32> {
    let tokens = object.integer(key, least..=4096)?;
    tokens.and_then(|tokens| u32::try_from(tokens).ok()).ok_or_else(|| object.missing(key))
}

/// A request to attach one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttachRequest {
    /// The file.
    pub file_id: String,
    /// Attributes for filters.
    pub attributes: Map<String, Value>,
    /// How it is to be cut.
    pub chunking: ChunkingWish,
    /// Our own: what makes it the same document when it is attached again, e.g. a path.
    pub source: Option<String>,
}

impl AttachRequest {
    /// Reads a request.
    pub fn read(body: Value) -> Result<Self> {
        Self::read_object(Object::body(body)?)
    }

    fn read_object(mut object: Object) -> Result<Self> {
        Ok(Self {
            file_id: object.required_string("file_id")?,
            attributes: read_attributes(&mut object)?,
            chunking: read_chunking(&mut object)?,
            source: object.string("source")?.filter(|source| !source.is_empty()),
        })
    }
}

/// A request to replace a file's attributes.
pub fn read_attributes_update(body: Value) -> Result<Map<String, Value>> {
    let mut object = Object::body(body)?;
    if object.has("attributes") {
        return read_attributes(&mut object);
    }
    Err(object.missing("attributes"))
}

/// A request to attach many files: `file_ids` with the same attributes, or `files` with their own.
pub fn read_batch_request(body: Value) -> Result<Vec<AttachRequest>> {
    let mut object = Object::body(body)?;
    let files = object.array("files")?;
    if files.as_ref().is_some_and(|files| files.len() > MAX_FILES) {
        return Err(Error::invalid("files", format!("'files' has more than {MAX_FILES} entries.")));
    }
    let requests: Vec<AttachRequest> = match (files, read_file_ids(&mut object)?) {
        (Some(_), Some(_)) => return Err(Error::invalid("files", "Send either 'files' or 'file_ids', not both.")),
        (None, None) => return Err(object.missing("file_ids")),
        (Some(files), None) => {
            let read = |(index, file)| AttachRequest::read_object(Object::at(format!("files[{index}]"), file)?);
            files.into_iter().enumerate().map(read).collect::<Result<_>>()?
        }
        (None, Some(ids)) => {
            let (attributes, chunking) = (read_attributes(&mut object)?, read_chunking(&mut object)?);
            let request = |file_id| AttachRequest { file_id, attributes: attributes.clone(), chunking, source: None };
            ids.into_iter().map(request).collect()
        }
    };
    if requests.is_empty() {
        return Err(Error::invalid("file_ids", "'file_ids' is empty; name at least one file."));
    }
    Ok(requests)
}

fn read_attributes(object: &mut Object) -> Result<Map<String, Value>> {
    let Some(attributes) = object.object("attributes")? else { return Ok(Map::new()) };
    let path = object.path_of("attributes");
    let attributes = attributes.rest();
    if attributes.len() > MAX_ATTRIBUTES {
        let message = format!("'{path}' has {} entries; at most {MAX_ATTRIBUTES}.", attributes.len());
        return Err(Error::invalid(path, message));
    }
    for (key, value) in &attributes {
        let simple = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        // A list of texts is our own: one of them matches.
        let fits = simple(value) || value.as_array().is_some_and(|list| list.iter().all(simple));
        if !fits {
            let wanted = "a string, a number, a boolean, or a list of those";
            return Err(wrong_kind(format!("{path}.{key}"), wanted, value));
        }
    }
    Ok(attributes)
}

/// A search in a vector store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchRequest {
    /// The questions; at least one.
    pub queries: Vec<String>,
    /// `max_num_results`, 1–50.
    pub limit: Option<usize>,
    /// A condition; not checked here.
    pub filter: Option<Value>,
    /// Passages with a lower score are left out.
    pub score_threshold: Option<f32>,
    /// Our own: `hybrid`, `bm25` or `dense`; not checked here.
    pub mode: Option<String>,
    /// Our own: let the reranker order the passages.
    pub rerank: Option<bool>,
}

impl SearchRequest {
    /// Reads a request. Errors name the path of the field.
    pub fn read(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        let mut ranking = object.object("ranking_options")?;
        let score_threshold = match &mut ranking {
            Some(options) => options.number("score_threshold", f64::MIN..=f64::MAX)?,
            None => None,
        };
        Ok(Self {
            queries: read_queries(&mut object)?,
            limit: object.integer("max_num_results", 1..=50)?.and_then(|limit| usize::try_from(limit).ok()),
            filter: object.take("filters"),
            score_threshold,
            mode: object.string("mode")?,
            rerank: object.boolean("rerank")?,
        })
    }
}

fn read_queries(object: &mut Object) -> Result<Vec<String>> {
    let queries = match object.take("query") {
        None => return Err(object.missing("query")),
        Some(Value::String(query)) => vec![query],
        Some(Value::Array(values)) => {
            let text = |(index, value): (usize, Value)| match value {
                Value::String(text) => Ok(text),
                other => Err(wrong_kind(format!("query[{index}]"), "a string", &other)),
            };
            values.into_iter().enumerate().map(text).collect::<Result<_>>()?
        }
        Some(other) => return Err(wrong_kind("query".to_owned(), "a string or a list of strings", &other)),
    };
    if queries.is_empty() || queries.len() > 8 || queries.iter().any(|query| query.trim().is_empty()) {
        return Err(Error::invalid("query", "'query' must be 1 to 8 texts, none of them blank."));
    }
    Ok(queries)
}

#[cfg(test)]
#[path = "vector_store_request_tests.rs"]
mod tests;
