//! SQuAD-shaped files: versions 1 and 2, and CMRC2018 in that shape and in its own.
//!
//! It does not use the answers' texts: for retrieval the paragraph that a question was asked about is the answer.

use crate::dataset::Passages;
use crate::{Question, RetrievalSet};
use serde::Deserialize;
use yizhan_domain::{Error, ErrorCode, Result};

/// `{"data": […]}`, or the list alone as CMRC2018's own files have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Object { data: Vec<Article> },
    List(Vec<Article>),
}

/// An article with its paragraphs, or in CMRC2018's own files one paragraph.
#[derive(Deserialize)]
struct Article {
    #[serde(default)]
    title: String,
    #[serde(default)]
    paragraphs: Vec<Paragraph>,
    #[serde(flatten)]
    alone: Option<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    #[serde(alias = "context_text")]
    context: String,
    #[serde(default)]
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(alias = "query_text")]
    question: String,
    #[serde(default, alias = "query_id")]
    id: serde_json::Value,
    /// Absent in files without answers, which are still good for retrieval; empty where there is none.
    answers: Option<Vec<serde_json::Value>>,
    #[serde(default)]
    is_impossible: bool,
}

impl Asked {
    fn is_answerable(&self) -> bool {
        !self.is_impossible && self.answers.as_ref().is_none_or(|answers| !answers.is_empty())
    }
}

impl RetrievalSet {
    /// Reads a SQuAD-shaped file. Questions that the paragraph does not answer are left out; paragraphs with the same
    /// text become one passage, which keeps its first title. Errors: `invalid_request` with line and column.
    pub fn from_squad(text: &str) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let file: File = serde_json::from_str(text).map_err(|_| explain(text))?;
        let articles = match file {
            File::Object { data } | File::List(data) => data,
        };
        let mut passages = Passages::default();
        let mut questions = Vec::new();
        for article in articles {
            for paragraph in article.paragraphs.into_iter().chain(article.alone) {
                let position = passages.add(&article.title, paragraph.context);
                for asked in paragraph.qas.into_iter().filter(Asked::is_answerable) {
                    let id = match asked.id {
                        serde_json::Value::String(id) => id,
                        serde_json::Value::Null => String::new(),
                        other => other.to_string(),
                    };
                    questions.push(Question { id, text: asked.question, relevant: vec![position] });
                }
            }
        }
        if questions.is_empty() {
            return Err(invalid("it has no question that a paragraph answers"));
        }
        Ok(Self { passages: passages.into_vec(), questions })
    }
}

fn invalid(reason: impl std::fmt::Display) -> Error {
    let message = format!("This is not a SQuAD-shaped file (version, data, paragraphs, context, qas): {reason}.");
    Error::new(ErrorCode::InvalidRequest, message)
}

/// A choice between two shapes says nothing of what is wrong: read again as the likelier one.
fn explain(text: &str) -> Error {
    #[derive(Deserialize)]
    struct Strict {
        #[serde(rename = "data")]
        _data: Vec<Article>,
    }
    let error = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<Article>>(text).err()
    } else {
        serde_json::from_str::<Strict>(text).err()
    };
    invalid(error.map_or_else(|| "its shape is unknown".to_owned(), |error| error.to_string()))
}

#[cfg(test)]
#[path = "squad_tests.rs"]
mod tests;
