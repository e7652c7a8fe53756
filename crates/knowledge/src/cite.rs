//! Citations in an answer as it streams: numbers that point nowhere are removed, the others
//! become structured citations with the line that they rest on.
//!
//! It does not know how the answer is produced or sent.

use crate::ground::{Grounding, Source};
use crate::relevance::{coverage, terms};
use std::collections::BTreeSet;
use yizhan_domain::{Citation, LineSpan};

/// Longest thing that is still taken for a citation, in characters: `[12, 13, 14]`.
const LONGEST_MARK: usize = 16;
/// An answer without any number is attributed to the source that has at least this share of its
/// terms.
const ATTRIBUTION: f32 = 0.4;

/// Checks the numbers of one answer. Feed it the text piece by piece, then finish it.
#[derive(Debug)]
pub struct CitationFilter {
    grounding: Grounding,
    /// The beginning of what may become a mark; not yet given out.
    held: String,
    /// What was given out.
    answer: String,
    /// For each mark that stayed: where it stands in the answer, and its number.
    marks: Vec<(usize, u32)>,
}

/// What comes at the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cited {
    /// The last piece of text; may be empty.
    pub text: String,
    /// In order of their numbers.
    pub citations: Vec<Citation>,
}

impl CitationFilter {
    /// For an answer that was given these sources.
    pub fn new(grounding: Grounding) -> Self {
        Self { grounding, held: String::new(), answer: String::new(), marks: Vec::new() }
    }

    /// Takes a piece of the answer and returns what may go out: everything but the beginning of a
    /// possible mark.
    pub fn push(&mut self, delta: &str) -> String {
        let from = self.answer.len();
        for character in delta.chars() {
            let opens = matches!(character, '[' | '【');
            if self.held.is_empty() && !opens {
                self.answer.push(character);
                continue;
            }
            if opens {
                self.release();
            }
            self.held.push(character);
            if matches!(character, ']' | '】') {
                self.close();
            } else if self.held.chars().count() > LONGEST_MARK || !could_be_mark(&self.held) {
                self.release();
            }
        }
        self.answer[from..].to_owned()
    }

    /// Ends the answer.
    pub fn finish(mut self) -> Cited {
        let from = self.answer.len();
        self.release();
        match self.marks.first() {
            None => self.attribute(),
            Some((_, index)) if without_marks(&self.answer).is_empty() => self.quote(*index),
            Some(_) => {}
        }
        let text = self.answer[from..].to_owned();
        Cited { text, citations: self.citations() }
    }

    /// What was held is no mark after all.
    fn release(&mut self) {
        self.answer.push_str(&self.held);
        self.held.clear();
    }

    fn close(&mut self) {
        let numbers = numbers(&self.held);
        if numbers.is_empty() {
            return self.release();
        }
        self.held.clear();
        for number in numbers {
            let known = self.grounding.sources.iter().any(|source| source.index == number);
            let repeated = self.marks.last().is_some_and(|(at, last)| *last == number && *at == self.answer.len());
            if known && !repeated {
                self.answer.push_str(&format!("[{number}]"));
                self.marks.push((self.answer.len(), number));
            }
        }
    }

    /// A model that forgot to cite: the source that says the answer literally, or has most of its
    /// terms, is named.
    fn attribute(&mut self) {
        let (wanted, literal) = (terms(&self.answer), squeezed(&self.answer));
        let share = |source: &Source| {
            if literal.chars().count() > 1 && squeezed(&source.text).contains(&literal) {
                return 1.0;
            }
            if wanted.len() < 3 { 0.0 } else { coverage(&wanted, &terms(&source.text)) }
        };
        let best = self
            .grounding
            .sources
            .iter()
            .map(|source| (share(source), source.index))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        if let Some((share, index)) = best
            && share >= ATTRIBUTION
        {
            self.answer.push_str(&format!(" [{index}]"));
            self.marks.push((self.answer.len(), index));
        }
    }

    /// A model that wrote nothing but numbers: the line that the first one points to is the answer.
    fn quote(&mut self, index: u32) {
        if let Some(source) = self.grounding.sources.iter().find(|source| source.index == index) {
            let line = citation(source, "", &self.grounding.question).quote;
            self.answer.push_str(&format!(" {line}"));
        }
    }

    fn citations(&self) -> Vec<Citation> {
        let used: BTreeSet<u32> = self.marks.iter().map(|(_, index)| *index).collect();
        used.into_iter()
            .filter_map(|index| self.grounding.sources.iter().find(|source| source.index == index))
            .map(|source| citation(source, &self.statements(source.index), &self.grounding.question))
            .collect()
    }

    /// The text before each of a source's marks, from the previous sentence's end.
    fn statements(&self, index: u32) -> String {
        let mut statements = String::new();
        for (end, _) in self.marks.iter().filter(|(_, number)| *number == index) {
            let before = self.answer[..*end].trim_end_matches(|c: char| c.is_ascii_digit() || "[] ".contains(c));
            let body = before.trim_end_matches(['。', '.', '！', '!', '\n']);
            let start = body.rfind(['。', '\n', '！', '？', '.']).map_or(0, |at| at + 1);
            statements.push_str(body.get(start..).unwrap_or(body));
            statements.push('\n');
        }
        statements
    }
}

/// Is this, so far, how a citation is written: digits, perhaps after the word "source"?
fn could_be_mark(held: &str) -> bool {
    let inside = held.chars().skip(1).collect::<String>().to_lowercase();
    let word = inside.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | ',' | '，' | '、'));
    ["", "source", "来源", "资料"].iter().any(|name| name.starts_with(word))
}

fn numbers(mark: &str) -> Vec<u32> {
    mark.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// Longest quote, in characters.
const LONGEST_QUOTE: usize = 200;

fn citation(source: &Source, statements: &str, question: &str) -> Citation {
    let (said, asked) = (terms(statements), terms(question));
    let best: Option<(f32, &LineSpan, &str)> = source
        .lines
        .iter()
        .map(|line| (line, text_of(source, line)))
        .filter(|(_, text)| !text.is_empty())
        .map(|(line, text)| (overlap(&said, text) + ASKED * overlap(&asked, text), line, text))
        // The first of equals.
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    let (page, quote, boxes) = match best {
        Some((_, line, text)) => (line.page, text.to_owned(), line.rect.into_iter().collect()),
        None => (None, source.text.lines().next().unwrap_or_default().trim().to_owned(), Vec::new()),
    };
    let quote = quote.chars().take(LONGEST_QUOTE).collect();
    Citation { index: source.index, file_id: source.file.clone(), filename: source.name.clone(), page, quote, boxes }
}

/// What is asked tells less about the right line than what is answered.
const ASKED: f32 = 0.5;

/// What an answer says beside its numbers.
fn without_marks(answer: &str) -> String {
    answer.chars().filter(|c| c.is_alphanumeric() && !c.is_ascii_digit()).collect()
}

/// Letters and digits alone, lower-cased.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn text_of<'a>(source: &'a Source, line: &LineSpan) -> &'a str {
    source.text.get(line.start as usize..line.end as usize).unwrap_or_default().trim()
}

/// How many of the wanted terms a line has, a long line counting for less.
fn overlap(wanted: &std::collections::HashSet<String>, line: &str) -> f32 {
    let line = terms(line);
    let shared = wanted.intersection(&line).count() as f32;
    shared / (line.len() as f32 + 8.0).sqrt()
}

#[cfg(test)]
#[path = "cite_tests.rs"]
mod tests;
