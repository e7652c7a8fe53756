//! A query's text → tantivy's query: a weighted sum of BM25 over terms of several fields.
//!
//! The text is data: no character of it has a meaning as syntax.

use super::segment::UserWords;
use super::terms::{Kind, of_query};
use std::collections::HashMap;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

/// Characters of a query that are read; the rest adds nothing to what a search can tell apart.
const LONGEST_QUERY: usize = 4_096;
/// Terms that are looked up, rarest first: a passage used as a query (HyDE) stays affordable.
const MOST_TERMS: usize = 128;

/// The fields of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) chunk: Field,
    pub(crate) document: Field,
    pub(crate) words: Field,
    pub(crate) grams: Field,
    pub(crate) heading: Field,
}

/// What a heading's term weighs beside the text's.
const HEADING: f32 = 0.5;

/// Builds the query; none when the text has no words.
pub(crate) fn build(
    text: &str,
    user: &UserWords,
    fields: &Fields,
    searcher: &Searcher,
) -> tantivy::Result<Option<Box<dyn Query>>> {
    let text: &str = text.char_indices().nth(LONGEST_QUERY).map_or(text, |(end, _)| &text[..end]);
    let mut counted: HashMap<(Kind, String), f32> = HashMap::new();
    for term in of_query(text, user) {
        *counted.entry(term).or_default() += 1.0;
    }
    let mut terms: Vec<(Kind, String, f32)> = counted.into_iter().map(|((kind, text), n)| (kind, text, n)).collect();
    // A fixed order makes sums, and so ties, the same in every run.
    terms.sort_unstable_by(|a, b| a.1.cmp(&b.1).then((a.0 as u8).cmp(&(b.0 as u8))));
    if terms.len() > MOST_TERMS {
        terms = rarest(terms, fields, searcher)?;
    }
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::with_capacity(terms.len() * 2);
    for (kind, text, count) in &terms {
        let weight = count.min(3.0) * weight(*kind);
        let field = if *kind == Kind::Gram { fields.grams } else { fields.words };
        clauses.push((Occur::Should, term_query(field, text, weight)));
        clauses.push((Occur::Should, term_query(fields.heading, text, weight * HEADING)));
    }
    Ok(if clauses.is_empty() { None } else { Some(Box::new(BooleanQuery::new(clauses))) })
}

/// What a term weighs by its kind. CJK text is found by words and by pairs, whose scores add up;
/// other words have one field, and so the weight of both. Measured on four sets (`bench/search/README.md`):
/// words and pairs together beat either alone, and nothing is sensitive to the exact figures.
fn weight(kind: Kind) -> f32 {
    match kind {
        Kind::Cjk => 0.5,
        Kind::Gram => 1.0,
        Kind::Word | Kind::Part => 1.5,
        Kind::Whole | Kind::Own => 2.0,
    }
}

fn term_query(field: Field, text: &str, weight: f32) -> Box<dyn Query> {
    let term = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs);
    Box::new(BoostQuery::new(Box::new(term), weight))
}

/// The terms that the fewest chunks have; those that none has tell nothing apart.
fn rarest(
    terms: Vec<(Kind, String, f32)>,
    fields: &Fields,
    searcher: &Searcher,
) -> tantivy::Result<Vec<(Kind, String, f32)>> {
    let mut known = Vec::with_capacity(terms.len());
    for term in terms {
        let field = if term.0 == Kind::Gram { fields.grams } else { fields.words };
        let in_text = searcher.doc_freq(&Term::from_field_text(field, &term.1))?;
        let in_heading = searcher.doc_freq(&Term::from_field_text(fields.heading, &term.1))?;
        if in_text + in_heading > 0 {
            known.push((in_text + in_heading, term));
        }
    }
    known.sort_by_key(|(frequency, _)| *frequency);
    known.truncate(MOST_TERMS);
    Ok(known.into_iter().map(|(_, term)| term).collect())
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
