//! Text into a model's own tokens, each with its place in the text.
//!
//! It does not know models, prefixes or limits of length.

mod charsmap;
mod normalize;
mod pieces;
mod unigram;
mod wordpiece;

use crate::gguf::{Gguf, damaged};
use unigram::Unigram;
use wordpiece::WordPiece;
use yizhan_domain::Result;

pub(crate) use normalize::NORMALIZATION_KEY;
pub(crate) use wordpiece::LOWERCASE_KEY;

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;

/// One token: its number in the vocabulary and the bytes of the text that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The two kinds that sentence encoders use.
#[derive(Debug)]
enum Kind {
    Unigram(Unigram),
    WordPiece(WordPiece),
}

/// A model's tokenizer.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    kind: Kind,
    /// Put before every text.
    pub(crate) first: u32,
    /// Put after every text.
    pub(crate) last: u32,
}

/// The numbers of the tokens with a meaning of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Special {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) unknown: u32,
}

impl Tokenizer {
    /// Reads the tokenizer of a model with `vocabulary` rows in its table of token embeddings.
    pub(crate) fn from_gguf(file: &Gguf<'_>, vocabulary: usize) -> Result<Self> {
        let kind = file.text("tokenizer.ggml.model").unwrap_or_default();
        let defaults = match kind {
            "bert" => Special { first: 101, last: 102, unknown: 100 },
            "t5" => Special { first: 0, last: 2, unknown: 3 },
            _ => return Err(damaged(format!("its tokenizer '{kind}' is not one of sentence encoders"))),
        };
        let special = read_special(file, kind, defaults, vocabulary)?;
        let kind = match kind {
            "bert" => Kind::WordPiece(WordPiece::from_gguf(file, vocabulary, special)?),
            _ => Kind::Unigram(Unigram::from_gguf(file, vocabulary, special)?),
        };
        Ok(Self { kind, first: special.first, last: special.last })
    }

    /// The tokens of a text, in order, without the first and last ones that frame it. Ranges lie on character
    /// boundaries, never overlap and never go back; a token that stands for no character of its own (a space's mark,
    /// the second half of one character) has an empty one.
    pub(crate) fn tokens(&self, text: &str) -> Vec<Token> {
        match &self.kind {
            Kind::Unigram(unigram) => unigram.tokens(text),
            Kind::WordPiece(wordpiece) => wordpiece.tokens(text),
        }
    }
}

fn read_special(file: &Gguf<'_>, kind: &str, defaults: Special, vocabulary: usize) -> Result<Special> {
    let number = |keys: &[&str], default: u32| {
        let found = keys.iter().find_map(|key| file.integer(&format!("tokenizer.ggml.{key}_token_id")));
        let number = found.unwrap_or(default as usize);
        u32::try_from(number).ok().filter(|_| number < vocabulary).ok_or_else(|| damaged("a special token is unknown"))
    };
    let (first, last): (&[&str], &[&str]) = match kind {
        "bert" => (&["cls", "bos"], &["seperator", "separator", "eos"]),
        _ => (&["bos", "cls"], &["eos", "seperator"]),
    };
    Ok(Special {
        first: number(first, defaults.first)?,
        last: number(last, defaults.last)?,
        unknown: number(&["unknown"], defaults.unknown)?,
    })
}

/// Makes ranges that may overlap or go back ones that do neither, each token keeping what is left for it.
fn settle(tokens: &mut [Token]) {
    let mut end = 0;
    for token in tokens {
        token.start = token.start.max(end);
        token.end = token.end.max(token.start);
        end = token.end;
    }
}
