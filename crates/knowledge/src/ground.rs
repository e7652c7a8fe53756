//! The grounded prompt: found passages as numbered sources before the question.
//!
//! It does not know how passages were found or which model reads the prompt.

use crate::relevance::is_cjk;
use crate::search::Found;
use serde::{Deserialize, Serialize};
use yizhan_domain::{FileId, LineSpan, Message, Role};
use yizhan_store::Chunk;

/// The language that the instructions are written in: the question's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Chinese.
    Chinese,
    /// English, and everything else.
    English,
}

impl Language {
    /// Chinese when a fifth of the letters are.
    pub fn of(text: &str) -> Self {
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        let chinese = text.chars().filter(|c| is_cjk(*c)).count();
        if chinese * 5 >= letters.max(1) { Language::Chinese } else { Language::English }
    }

    /// What is answered when the documents have nothing.
    pub fn nothing_found(self) -> &'static str {
        match self {
            Language::Chinese => "资料中没有找到与这个问题相关的内容，因此无法回答。",
            Language::English => {
                "The documents contain nothing about this question, so it cannot be answered from them."
            }
        }
    }
}

/// What the model is told: role, task, constraints, examples. Empty parts take the default of
/// the question's language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instructions {
    /// Who the model is.
    pub role: Option<String>,
    /// What it does.
    pub task: Option<String>,
    /// What it must and must not do.
    pub constraints: Vec<String>,
    /// Questions with the answers that they should get.
    pub examples: Vec<Example>,
}

/// One worked example.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What a person asks.
    pub question: String,
    /// How it should be answered.
    pub answer: String,
}

impl Instructions {
    /// As text for the system message.
    fn render(&self, language: Language) -> String {
        let (role, task, constraints): (_, _, &[&str]) = match language {
            Language::Chinese => (
                "你是文档问答助手。",
                "只根据下面编号的资料，用简体中文简洁地回答问题。",
                &["每句话后面标注所依据的资料编号，例如 [1]。", "资料中没有答案时，直接说资料中没有。"],
            ),
            Language::English => (
                "You are an assistant that answers questions about documents.",
                "Answer the question briefly, in English, from the numbered sources below only.",
                &[
                    "After each sentence give the number of the source that it rests on, like [1].",
                    "If the sources do not contain the answer, say that they do not.",
                ],
            ),
        };
        let mut text = format!("{}\n{}", self.role.as_deref().unwrap_or(role), self.task.as_deref().unwrap_or(task));
        if self.constraints.is_empty() {
            constraints.iter().for_each(|line| text.push_str(&format!("\n- {line}")));
        } else {
            self.constraints.iter().for_each(|line| text.push_str(&format!("\n- {line}")));
        }
        text
    }
}

/// A numbered source: one passage, or several that follow each other in one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its number, from 1.
    pub index: u32,
    /// Its file.
    pub file: FileId,
    /// Its file's name.
    pub name: String,
    /// Headings from the outermost to the innermost.
    pub heading: Vec<String>,
    /// Its text.
    pub text: String,
    /// Its lines.
    pub lines: Vec<LineSpan>,
    /// The position of its first and last passage in the document.
    ordinals: (u32, u32),
}

/// The sources of one answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grounding {
    /// Numbered from 1, best first.
    pub sources: Vec<Source>,
    /// What is asked; helps to find the line that an answer rests on.
    pub question: String,
}

impl Grounding {
    /// The best passages as sources, at most `most`; neighbours in a document become one.
    pub fn new(question: &str, found: &[Found], most: usize) -> Self {
        let mut sources: Vec<Source> = Vec::new();
        for one in found {
            let near = sources.iter().position(|source| source.file == one.chunk.file && source.touches(&one.chunk));
            match near {
                Some(at) => sources[at].extend(&one.chunk),
                None if sources.len() < most => sources.push(Source::from(&one.chunk)),
                None => {}
            }
        }
        for (position, source) in sources.iter_mut().enumerate() {
            source.index = position as u32 + 1;
        }
        Self { sources, question: question.to_owned() }
    }

    /// The conversation with the instructions before it and the sources in its last question.
    pub fn messages(&self, conversation: &[Message], instructions: &Instructions) -> Vec<Message> {
        let Some(at) = conversation.iter().rposition(|message| message.role == Role::User) else {
            return conversation.to_vec();
        };
        let question = conversation[at].content.text();
        let language = Language::of(&question);
        let mut messages = vec![Message::text(Role::System, instructions.render(language))];
        for example in &instructions.examples {
            messages.push(Message::text(Role::User, &example.question));
            messages.push(Message::text(Role::Assistant, &example.answer));
        }
        for (position, message) in conversation.iter().enumerate() {
            if position == at {
                messages.push(Message::text(Role::User, self.question(&question, language)));
            } else if message.role == Role::System {
                messages[0] = append(&messages[0], &message.content.text());
            } else {
                messages.push(message.clone());
            }
        }
        messages
    }

    fn question(&self, question: &str, language: Language) -> String {
        // Labels in words: a small model that is shown `[1] text` writes `[1]` and copies the text.
        let (label, colon) = match language {
            Language::Chinese => ("资料", "："),
            Language::English => ("Source", ": "),
        };
        let mut text = String::new();
        for source in &self.sources {
            let heading = source.heading.last().map(|heading| format!(" ({heading})")).unwrap_or_default();
            let passage = source.text.split_whitespace().collect::<Vec<_>>().join(" ");
            text.push_str(&format!("{label} {}{heading}{colon}{passage}\n\n", source.index));
        }
        text.push_str(&match language {
            Language::Chinese => format!("问题：{question}\n请简短回答。"),
            Language::English => format!("Question: {question}\nAnswer briefly."),
        });
        text
    }
}

fn append(message: &Message, text: &str) -> Message {
    Message::text(message.role, format!("{}\n\n{text}", message.content.text()))
}

impl From<&Chunk> for Source {
    fn from(chunk: &Chunk) -> Self {
        Self {
            index: 0,
            file: chunk.file.clone(),
            name: chunk.name.clone(),
            heading: chunk.heading.clone(),
            text: chunk.text.clone(),
            lines: chunk.lines.clone(),
            ordinals: (chunk.ordinal, chunk.ordinal),
        }
    }
}

impl Source {
    fn touches(&self, chunk: &Chunk) -> bool {
        let (first, last) = self.ordinals;
        first.saturating_sub(1) <= chunk.ordinal
            && chunk.ordinal <= last.saturating_add(1)
            && self.heading == chunk.heading
    }

    /// Joins a neighbouring passage; what both have where they meet stands once.
    fn extend(&mut self, chunk: &Chunk) {
        let (first, last) = self.ordinals;
        if chunk.ordinal > last {
            let (text, lines) = join((&self.text, &self.lines), (&chunk.text, &chunk.lines));
            (self.text, self.lines, self.ordinals) = (text, lines, (first, chunk.ordinal));
        } else if chunk.ordinal < first {
            let (text, lines) = join((&chunk.text, &chunk.lines), (&self.text, &self.lines));
            (self.text, self.lines, self.ordinals) = (text, lines, (chunk.ordinal, last));
        }
    }
}

fn join(before: (&str, &[LineSpan]), after: (&str, &[LineSpan])) -> (String, Vec<LineSpan>) {
    let shared = shared_length(before.0, after.0);
    let separator = if shared == 0 { "\n" } else { "" };
    let text = format!("{}{separator}{}", before.0, &after.0[shared..]);
    let offset = (before.0.len() + separator.len()) as i64 - shared as i64;
    let mut lines = before.1.to_vec();
    for line in after.1.iter().filter(|line| line.end as usize > shared) {
        let moved = LineSpan {
            start: (i64::from(line.start) + offset) as u32,
            end: (i64::from(line.end) + offset) as u32,
            ..*line
        };
        match lines.last_mut() {
            // The line that both passages cut is one line again.
            Some(last) if last.end >= moved.start => last.end = moved.end,
            _ => lines.push(moved),
        }
    }
    (text, lines)
}

/// The longest end of `before` that is a beginning of `after`, in bytes.
fn shared_length(before: &str, after: &str) -> usize {
    let most = before.len().min(after.len());
    (1..=most).rev().find(|length| after.is_char_boundary(*length) && before.ends_with(&after[..*length])).unwrap_or(0)
}

#[cfg(test)]
#[path = "ground_tests.rs"]
mod tests;
