//! Knowledge bases: made, filled, searched, removed.
//!
//! It does not know how the server keeps them.

use crate::client::{Client, List, segment};
use crate::multipart;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, ModelName, Rect, Result};
use yizhan_store::{BaseSettings, Chunking, DocumentState};

/// Items of a list that are asked for at once.
const PAGE: usize = 100;
/// The first and the longest pause between two looks at a document that is being read.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A knowledge base with its counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    /// Its id, `vs_…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: BaseSettings,
    /// Documents in any state.
    pub documents: u64,
    /// Chunks that can be found.
    pub chunks: u64,
    /// Documents by state.
    pub states: BTreeMap<DocumentState, u64>,
}

/// A document of a base.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The id of its file; empty when it never got that far.
    pub file_id: String,
    /// Its name as shown to people.
    pub name: String,
    /// Where it stands.
    pub state: DocumentState,
    /// Why it failed.
    pub reason: Option<String>,
    /// Chunks that can be found.
    pub chunks: u64,
}

/// A search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchQuery {
    /// The question.
    pub query: String,
    /// `hybrid`, `bm25` or `dense`.
    pub mode: String,
    /// At most so many passages, 1–50.
    pub limit: usize,
    /// A condition in OpenAI's shape.
    pub filter: Option<Value>,
    /// Let the reranker order the passages.
    pub rerank: bool,
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchHit {
    /// The document's name.
    pub document: String,
    /// The id of its file.
    pub file_id: String,
    /// The page, from 1.
    pub page: Option<u32>,
    /// Headings from the outermost to the innermost.
    pub heading: Vec<String>,
    /// The passage.
    pub text: String,
    /// Higher is better.
    pub score: f32,
    /// One box a line, in points, origin top left.
    pub boxes: Vec<Rect>,
}

#[derive(Deserialize)]
struct WireBase {
    id: String,
    name: String,
    file_counts: WireCounts,
    chunks: u64,
    states: BTreeMap<DocumentState, u64>,
    embedding_model: Option<ModelName>,
    chunking_strategy: WireChunking,
    #[serde(default)]
    dictionary: Vec<String>,
}

#[derive(Deserialize)]
struct WireCounts {
    total: u64,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireChunking {
    Static {
        #[serde(rename = "static")]
        window: WireWindow,
    },
    Structure {
        structure: WireStructure,
    },
}

#[derive(Deserialize)]
struct WireWindow {
    max_chunk_size_tokens: u32,
    chunk_overlap_tokens: u32,
}

#[derive(Deserialize)]
struct WireStructure {
    max_chunk_size_tokens: u32,
}

#[derive(Deserialize)]
struct WireDocument {
    id: String,
    filename: String,
    state: DocumentState,
    last_error: Option<WireReason>,
    chunks: u64,
}

#[derive(Deserialize)]
struct WireReason {
    message: String,
}

#[derive(Deserialize)]
struct WireHit {
    file_id: String,
    filename: String,
    score: f32,
    content: Vec<WireText>,
    heading: Vec<String>,
    page: Option<u32>,
    boxes: Vec<Rect>,
}

#[derive(Deserialize)]
struct WireText {
    text: String,
}

#[derive(Deserialize)]
struct WireFile {
    id: String,
}

impl From<WireBase> for Base {
    fn from(wire: WireBase) -> Self {
        let chunking = match wire.chunking_strategy {
            WireChunking::Static { window } => {
                Chunking::Window { tokens: window.max_chunk_size_tokens, overlap: window.chunk_overlap_tokens }
            }
            WireChunking::Structure { structure } => Chunking::Structure { tokens: structure.max_chunk_size_tokens },
        };
        Self {
            id: wire.id,
            name: wire.name,
            settings: BaseSettings { embedding: wire.embedding_model, chunking, dictionary: wire.dictionary },
            documents: wire.file_counts.total,
            chunks: wire.chunks,
            states: wire.states,
        }
    }
}

impl From<WireDocument> for Document {
    fn from(wire: WireDocument) -> Self {
        let reason = wire.last_error.map(|error| error.message);
        Self { file_id: wire.id, name: wire.filename, state: wire.state, reason, chunks: wire.chunks }
    }
}

impl From<WireHit> for SearchHit {
    fn from(wire: WireHit) -> Self {
        let text = wire.content.into_iter().map(|part| part.text).collect::<Vec<_>>().join("\n");
        let WireHit { file_id, filename, score, heading, page, boxes, .. } = wire;
        Self { document: filename, file_id, page, heading, text, score, boxes }
    }
}

fn store_path(base: &str) -> String {
    format!("/v1/vector_stores/{}", segment(base))
}

impl Client {
    /// Makes a base.
    pub fn create_base(&self, name: &str, settings: &BaseSettings) -> Result<Base> {
        let chunking = match settings.chunking {
            Chunking::Window { tokens, overlap } => json!({
                "type": "static",
                "static": {"max_chunk_size_tokens": tokens, "chunk_overlap_tokens": overlap},
            }),
            Chunking::Structure { tokens } => {
                json!({"type": "structure", "structure": {"max_chunk_size_tokens": tokens}})
            }
        };
        let body = json!({
            "name": name,
            // An empty name is none: full text only.
            "embedding_model": settings.embedding.as_ref().map_or("", ModelName::as_str),
            "chunking_strategy": chunking,
            "dictionary": settings.dictionary,
        });
        Ok(self.post::<WireBase>("/v1/vector_stores", &body)?.into())
    }

    /// All bases, oldest first.
    pub fn bases(&self) -> Result<Vec<Base>> {
        self.pages::<WireBase, Base>("/v1/vector_stores")
    }

    /// A base by name or id.
    pub fn base(&self, name: &str) -> Result<Base> {
        Ok(self.get::<WireBase>(&store_path(name))?.into())
    }

    /// Removes a base.
    pub fn delete_base(&self, name: &str) -> Result<()> {
        self.delete(&store_path(name))
    }

    /// A base's documents, oldest first.
    pub fn documents(&self, base: &str) -> Result<Vec<Document>> {
        self.pages::<WireDocument, Document>(&format!("{}/files", store_path(base)))
    }

    /// Passages, best first.
    pub fn search(&self, base: &str, query: &SearchQuery) -> Result<Vec<SearchHit>> {
        let body = json!({
            "query": query.query,
            "mode": query.mode,
            "max_num_results": query.limit,
            "filters": query.filter,
            "rerank": query.rerank,
        });
        let found = self.post::<List<WireHit>>(&format!("{}/search", store_path(base)), &body)?;
        Ok(found.data.into_iter().map(SearchHit::from).collect())
    }

    /// Uploads a file, attaches it under `source` (what makes it the same document next time), and
    /// waits until it is ready or has failed. A base that is not there is made with the server's
    /// settings. A file that cannot be read or is refused comes back as a failed document.
    pub fn ingest(&self, base: &str, path: &Path, source: &str, attributes: &Map<String, Value>) -> Result<Document> {
        self.ensure_base(base)?;
        let uploaded = match self.upload(path) {
            Ok(id) => id,
            Err(error) if is_about_file(&error) => return Ok(refused(path, &error)),
            Err(error) => return Err(error),
        };
        let body = json!({"file_id": uploaded, "source": source, "attributes": attributes});
        let attached = self.post::<WireDocument>(&format!("{}/files", store_path(base)), &body);
        let document = Document::from(attached?);
        if document.file_id != uploaded {
            // The same content was there under its own file: this copy is not needed.
            self.delete(&format!("/v1/files/{}", segment(&uploaded)))?;
        }
        self.wait(base, document)
    }

    /// Looks until the document is ready or has failed.
    pub fn wait(&self, base: &str, mut document: Document) -> Result<Document> {
        let path = format!("{}/files/{}", store_path(base), segment(&document.file_id));
        let (mut pause, longest) = PAUSES;
        while matches!(document.state, DocumentState::Queued | DocumentState::Processing) {
            #[allow(clippy::disallowed_methods, reason = "the server cannot call back: it is asked again")]
            std::thread::sleep(pause);
            pause = (pause * 2).min(longest);
            document = self.get::<WireDocument>(&path)?.into();
        }
        Ok(document)
    }

    fn ensure_base(&self, name: &str) -> Result<()> {
        match self.base(name) {
            Err(error) if error.code() == ErrorCode::NotFound => {
                match self.post::<WireBase>("/v1/vector_stores", &json!({"name": name})) {
                    // Someone else was faster.
                    Err(error) if error.code() == ErrorCode::Conflict => Ok(()),
                    made => made.map(drop),
                }
            }
            found => found.map(drop),
        }
    }

    fn upload(&self, path: &Path) -> Result<String> {
        let unreadable = |cause| Error::io("The file cannot be read", cause).at("file");
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (total, mut body) = multipart::form("assistants", &name, length, BufReader::new(file));
        Ok(self.post_stream::<WireFile>("/v1/files", &multipart::content_type(), total, &mut body)?.id)
    }

    fn pages<W: serde::de::DeserializeOwned, T: From<W>>(&self, path: &str) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get::<List<W>>(&format!("{path}?order=asc&limit={PAGE}{after}"))?;
            items.extend(page.data.into_iter().map(T::from));
            match page.last_id.filter(|_| page.has_more) {
                Some(last) => after = format!("&after={}", segment(&last)),
                None => return Ok(items),
            }
        }
    }
}

fn is_about_file(error: &Error) -> bool {
    error.parameter() == Some("file") || error.code() == ErrorCode::TooLarge
}

fn refused(path: &Path, error: &Error) -> Document {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (state, reason) = (DocumentState::Failed, Some(error.message().to_owned()));
    Document { file_id: String::new(), name, state, reason, chunks: 0 }
}
