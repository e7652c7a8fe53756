//! The code-base set of the "contextual retrieval" cookbook: chunks in one JSON file, questions in a `.jsonl`.
//!
//! It does not use the reference answers.

use crate::dataset::Passages;
use crate::{Question, RetrievalSet};
use serde::Deserialize;
use std::collections::HashMap;
use yizhan_domain::{Error, ErrorCode, Result};

#[derive(Deserialize)]
struct Document {
    original_uuid: String,
    #[serde(default)]
    doc_id: String,
    chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Chunk {
    original_index: u64,
    content: String,
}

#[derive(Deserialize)]
struct Query {
    query: String,
    golden_chunk_uuids: Vec<(String, u64)>,
}

impl RetrievalSet {
    /// Reads the chunks' file and the questions' file. A question whose golden chunks are all unknown is an error.
    pub fn from_codebase(chunks: &str, queries: &str) -> Result<Self> {
        let documents: Vec<Document> = serde_json::from_str(chunks).map_err(|error| invalid("chunks", error))?;
        let mut passages = Passages::default();
        let mut places = HashMap::new();
        for document in documents {
            for chunk in document.chunks {
                let position = passages.add(&document.doc_id, chunk.content);
                places.insert((document.original_uuid.clone(), chunk.original_index), position);
            }
        }
        let mut questions = Vec::new();
        for (number, line) in queries.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line_error = |cause: &dyn std::fmt::Display| invalid(format!("questions, line {}", number + 1), cause);
            let query: Query = serde_json::from_str(line).map_err(|error| line_error(&error))?;
            let mut relevant: Vec<usize> =
                query.golden_chunk_uuids.iter().filter_map(|golden| places.get(golden).copied()).collect();
            relevant.sort_unstable();
            relevant.dedup();
            if relevant.is_empty() {
                return Err(line_error(&"its golden chunks are not among the chunks"));
            }
            questions.push(Question { id: number.to_string(), text: query.query, relevant });
        }
        if questions.is_empty() {
            return Err(invalid("questions", "there are none"));
        }
        Ok(Self { passages: passages.into_vec(), questions })
    }
}

fn invalid(file: impl std::fmt::Display, reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidRequest, format!("This is not a code-base set ({file}): {reason}."))
}

#[cfg(test)]
#[path = "codebase_tests.rs"]
mod tests;
