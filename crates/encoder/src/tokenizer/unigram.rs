//! SentencePiece's unigram model: of all ways to cut a text into pieces the one with the highest sum of scores.
//!
//! White space is normalised as SentencePiece does by default: runs are one space, none at the ends, one before the
//! first word; a space is the first character of the piece that follows it. Neighbouring unknown characters are one
//! unknown token. Marks such as `<s>` in a text are text, never control tokens.

use super::normalize::Normalizer;
use super::pieces::{Hash, Pieces};
use super::{Special, Token, settle};
use crate::gguf::{Gguf, damaged};
use yizhan_domain::Result;

/// SentencePiece's mark of a space, U+2581.
pub(super) const SPACE_MARK: &str = "\u{2581}";
/// How much worse than the worst piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;
/// Of the kinds in `tokenizer.ggml.token_type`, the ones that text can match: normal and user-defined.
const MATCHABLE: [u32; 2] = [1, 4];

#[derive(Debug)]
pub(super) struct Unigram {
    pieces: Pieces,
    scores: Vec<f32>,
    /// For pieces that begin with two characters of this hash: the longest one's bytes.
    longest: Vec<u16>,
    unknown: u32,
    unknown_score: f32,
    normalizer: Normalizer,
}

/// A character after normalisation: where it begins in the normalised text, and which bytes it came from.
#[derive(Clone, Copy)]
struct Place {
    at: u32,
    start: u32,
    end: u32,
}

/// The best way to the end of a character.
#[derive(Clone, Copy)]
struct Step {
    score: f64,
    id: u32,
    from: u32,
}

impl Unigram {
    pub(super) fn from_gguf(file: &Gguf<'_>, vocabulary: usize, special: Special) -> Result<Self> {
        let lacks = |what: &str| damaged(format!("its tokenizer has no {what}"));
        let tokens = file.array("tokenizer.ggml.tokens").ok_or_else(|| lacks("tokens"))?;
        let scores = file.array("tokenizer.ggml.scores").ok_or_else(|| lacks("scores"))?;
        let scores: Vec<f32> = scores.floats()?.map(|score| if score.is_finite() { score } else { -1e6 }).collect();
        let types: Option<Vec<u32>> = match file.array("tokenizer.ggml.token_type") {
            Some(types) => Some(types.words()?.collect()),
            None => None,
        };
        let framing = [special.first, special.last, special.unknown];
        let matchable = |index: usize| match &types {
            Some(types) => types.get(index).is_some_and(|kind| MATCHABLE.contains(kind)),
            None => !framing.contains(&(index as u32)),
        };
        let pieces = Pieces::read(tokens, matchable)?;
        if pieces.len() != scores.len() || pieces.len() > vocabulary {
            return Err(damaged("its tokenizer's lists have different lengths"));
        }
        let worst = (0..scores.len()).filter(|&index| matchable(index)).map(|index| scores[index]);
        let unknown_score = worst.fold(0.0, f32::min) - UNKNOWN_PENALTY;
        let longest = longest_by_beginning(&pieces);
        let normalizer = Normalizer::from_gguf(file)?;
        Ok(Self { pieces, scores, longest, unknown: special.unknown, unknown_score, normalizer })
    }

    pub(super) fn tokens(&self, text: &str) -> Vec<Token> {
        let (bytes, places) = self.normalized(text);
        let characters = places.len().saturating_sub(1);
        let steps = self.best_steps(&bytes, &places);
        let mut tokens: Vec<Token> = Vec::new();
        let mut to = characters;
        while to > 0 {
            let step = steps[to];
            let from = step.from as usize;
            match tokens.last_mut() {
                // Going backwards, so the token found last is the one that follows.
                Some(next) if step.id == self.unknown && next.id == self.unknown => next.start = places[from].start,
                _ => tokens.push(self.token(&bytes, &places, from..to, step.id)),
            }
            to = from;
        }
        tokens.reverse();
        settle(&mut tokens);
        tokens
    }

    /// A token of these characters; a space at its beginning does not belong to its range.
    fn token(&self, bytes: &[u8], places: &[Place], characters: std::ops::Range<usize>, id: u32) -> Token {
        let (first, last) = (places[characters.start], places[characters.end - 1]);
        let spaced = bytes[first.at as usize..].starts_with(SPACE_MARK.as_bytes());
        let start = if spaced { first.end } else { first.start };
        Token { id, start, end: last.end.max(start) }
    }

    /// The normalised text and its characters, with one more place at the end. Texts beyond 4 GiB are cut.
    fn normalized(&self, text: &str) -> (Vec<u8>, Vec<Place>) {
        let mut bytes = Vec::with_capacity(text.len() + 8);
        let mut places: Vec<Place> = Vec::with_capacity(text.len() / 2 + 8);
        let mut push = |bytes: &mut Vec<u8>, character: &str, start: u32, end: u32| {
            places.push(Place { at: bytes.len() as u32, start, end });
            bytes.extend_from_slice(character.as_bytes());
        };
        // A space is written only when a character follows; before the first one there always is one.
        let mut space = Some((0, 0));
        self.normalizer.run(text, |character, start, end| {
            if character == ' ' {
                let from = space.map_or(start, |(from, _)| from);
                space = Some((from, end));
                return;
            }
            if let Some((from, to)) = space.take() {
                push(&mut bytes, SPACE_MARK, from, to);
            }
            push(&mut bytes, character.encode_utf8(&mut [0; 4]), start, end);
        });
        let end = places.last().map_or(0, |place| place.end);
        places.push(Place { at: bytes.len() as u32, start: end, end });
        (bytes, places)
    }

    /// Viterbi's search from the first character to the last.
    fn best_steps(&self, bytes: &[u8], places: &[Place]) -> Vec<Step> {
        let mut steps = vec![Step { score: f64::NEG_INFINITY, id: self.unknown, from: 0 }; places.len()];
        steps[0].score = 0.0;
        for from in 0..places.len() - 1 {
            let reached = steps[from].score;
            let mut relax = |to: usize, id: u32, score: f32| {
                let score = reached + f64::from(score);
                if score > steps[to].score {
                    steps[to] = Step { score, id, from: from as u32 };
                }
            };
            relax(from + 1, self.unknown, self.unknown_score);
            self.matches(bytes, places, from, |to, id| relax(to, id, self.scores[id as usize]));
        }
        steps
    }

    /// Every piece that begins at character `from`.
    fn matches(&self, bytes: &[u8], places: &[Place], from: usize, mut found: impl FnMut(usize, u32)) {
        let start = places[from].at as usize;
        let mut hash = Hash::EMPTY;
        let mut limit = usize::MAX;
        for to in from + 1..places.len() {
            let end = places[to].at as usize;
            hash = hash.with(&bytes[places[to - 1].at as usize..end]);
            if to == from + 2 {
                limit = usize::from(self.longest[beginning(hash)]);
            }
            if end - start > limit {
                return;
            }
            if let Some(id) = self.pieces.find(&bytes[start..end], hash) {
                found(to, id);
            }
        }
    }
}

fn beginning(hash: Hash) -> usize {
    (hash.mixed() >> 48) as usize
}

/// The longest piece for each beginning, so that a search stops where no piece goes on.
fn longest_by_beginning(pieces: &Pieces) -> Vec<u16> {
    let mut longest = vec![0u16; 1 << 16];
    for index in 0..pieces.len() {
        let piece = pieces.piece(index);
        let second = std::str::from_utf8(piece).ok().and_then(|text| {
            let (_, second) = text.char_indices().nth(1).map(|(at, character)| (at, at + character.len_utf8()))?;
            Some(second)
        });
        if let Some(end) = second {
            let place = &mut longest[beginning(Hash::EMPTY.with(&piece[..end]))];
            *place = (*place).max(piece.len().min(usize::from(u16::MAX)) as u16);
        }
    }
    longest
}
