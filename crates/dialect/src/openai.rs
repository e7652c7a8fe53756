//! OpenAI's wire format: what their clients send and expect.
//!
//! Requests are read leniently, as OpenAI does: `null` is absence, unknown fields are kept and
//! passed by, and what would silently change the answer's meaning is refused with the path of the
//! field. Replies hold the fields that OpenAI's own clients read, and a few of our own beside them.

mod answer_body;
mod chat_answer_read;
mod chat_reply;
mod chat_request;
mod chat_request_body;
mod embedding;
mod error;
mod file;
mod message;
mod model;
mod moderation;
mod vector_store_reply;
mod vector_store_request;

pub use chat_answer_read::ChatAnswerReader;
pub(crate) use chat_reply::annotations;
pub use chat_reply::{Answer, Choice, ChunkWriter};
pub use chat_request::{ChatCompletionRequest, RetrievalWish};
pub(crate) use chat_request::{read_retrieval, read_sampling};
pub use chat_request_body::ChatRequestBody;
pub use embedding::{EmbeddingEncoding, EmbeddingRequest, InputType, embedding_reply};
pub use error::error_body;
pub use file::{FileObject, deleted, list};
pub use model::ModelObject;
pub use moderation::{CategoryScore, ModerationInput, ModerationRequest, ModerationResult, moderation_reply};
pub use vector_store_reply::{
    BatchObject, FileCounts, SearchResult, VectorStoreFileObject, VectorStoreObject, search_reply,
};
pub use vector_store_request::{
    AttachRequest, ChunkingWish, SearchRequest, VectorStoreRequest, VectorStoreUpdate, read_attributes_update,
    read_batch_request,
};
