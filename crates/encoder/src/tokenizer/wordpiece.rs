//! BERT's WordPiece: words at white space, punctuation and Chinese characters, each cut greedily into the longest
//! pieces of the vocabulary.
//!
//! In the vocabulary a piece that begins a word carries the mark U+2581 and one that goes on has none, as llama.cpp's
//! converter writes it. Beside Hugging Face's `tokenizers` one thing differs: spacing combining marks (Indic vowel
//! signs) are dropped like accents, where that keeps them; vocabularies of this kind hold hardly any.

use super::pieces::{Hash, Pieces};
use super::unigram::SPACE_MARK;
use super::{Special, Token, settle};
use crate::gguf::{Gguf, damaged};
use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use yizhan_domain::Result;

/// Whether the model takes lower case without accents; hub files lack the key, and all of them do.
pub(crate) const LOWERCASE_KEY: &str = "yizhan.tokenizer.lowercase";
/// Longer words are unknown.
const LONGEST_WORD: usize = 100;

#[derive(Debug)]
pub(super) struct WordPiece {
    pieces: Pieces,
    lowercase: bool,
    unknown: u32,
}

/// The characters of a word after normalisation, with the bytes that each came from.
#[derive(Default)]
struct Word {
    bytes: Vec<u8>,
    /// Where each character ends in `bytes`, and its place in the text.
    characters: Vec<(usize, u32, u32)>,
}

impl WordPiece {
    pub(super) fn from_gguf(file: &Gguf<'_>, vocabulary: usize, special: Special) -> Result<Self> {
        let tokens = file.array("tokenizer.ggml.tokens").ok_or_else(|| damaged("its tokenizer has no tokens"))?;
        let pieces = Pieces::read(tokens, |_| true)?;
        if pieces.len() > vocabulary {
            return Err(damaged("its tokenizer has more tokens than the model"));
        }
        Ok(Self { pieces, lowercase: file.boolean(LOWERCASE_KEY).unwrap_or(true), unknown: special.unknown })
    }

    pub(super) fn tokens(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut word = Word::default();
        for (at, character) in text.char_indices() {
            let Ok(end) = u32::try_from(at + character.len_utf8()) else { break };
            let start = at as u32;
            if is_space(character) {
                self.finish(&mut word, &mut tokens);
            } else if !is_dropped(character) {
                self.normalized(character, |character| {
                    let alone = is_punctuation(character) || is_ideograph(character);
                    if alone {
                        self.finish(&mut word, &mut tokens);
                    }
                    word.push(character, start, end);
                    if alone {
                        self.finish(&mut word, &mut tokens);
                    }
                });
            }
        }
        self.finish(&mut word, &mut tokens);
        settle(&mut tokens);
        tokens
    }

    fn normalized(&self, character: char, mut emit: impl FnMut(char)) {
        if !self.lowercase || character.is_ascii() {
            return emit(if self.lowercase { character.to_ascii_lowercase() } else { character });
        }
        decompose_canonical(character, |part| {
            if !is_combining_mark(part) {
                part.to_lowercase().for_each(&mut emit);
            }
        });
    }

    /// Cuts the word into pieces and leaves it empty.
    fn finish(&self, word: &mut Word, tokens: &mut Vec<Token>) {
        let count = word.characters.len();
        if count == 0 {
            return;
        }
        let before = tokens.len();
        let mut from = 0;
        while from < count && count <= LONGEST_WORD {
            let Some((to, id)) = self.longest(word, from) else { break };
            tokens.push(Token { id, start: word.characters[from].1, end: word.characters[to - 1].2 });
            from = to;
        }
        if from < count {
            tokens.truncate(before);
            tokens.push(Token { id: self.unknown, start: word.characters[0].1, end: word.characters[count - 1].2 });
        }
        word.bytes.clear();
        word.characters.clear();
    }

    /// The longest piece at character `from` of the word: one past its last character, and its number.
    fn longest(&self, word: &Word, from: usize) -> Option<(usize, u32)> {
        let start = if from == 0 { 0 } else { word.characters[from - 1].0 };
        (from + 1..=word.characters.len()).rev().find_map(|to| {
            let bytes = &word.bytes[start..word.characters[to - 1].0];
            Some((to, self.pieces.find(bytes, Hash::EMPTY.with(bytes))?))
        })
    }
}

impl Word {
    fn push(&mut self, character: char, start: u32, end: u32) {
        if self.characters.is_empty() {
            self.bytes.extend_from_slice(SPACE_MARK.as_bytes());
        }
        self.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.characters.push((self.bytes.len(), start, end));
    }
}

fn is_space(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{b}' | '\u{c}' | '\u{85}')
}

/// Control and format characters, and those for private use.
fn is_dropped(character: char) -> bool {
    matches!(character,
        '\u{fffd}' | '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0001}'..='\u{e007f}'
        | '\u{f0000}'..='\u{10ffff}')
        || character.is_control()
}

fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ceaf}'
        | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

/// ASCII's and Unicode's punctuation of the scripts that such vocabularies hold.
fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || matches!(character,
            '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}' | '\u{37e}' | '\u{387}'
            | '\u{55a}'..='\u{55f}' | '\u{589}' | '\u{58a}' | '\u{5be}' | '\u{5c0}' | '\u{5c3}' | '\u{5c6}'
            | '\u{5f3}' | '\u{5f4}' | '\u{609}' | '\u{60a}' | '\u{60c}' | '\u{60d}' | '\u{61b}' | '\u{61d}'..='\u{61f}'
            | '\u{66a}'..='\u{66d}' | '\u{6d4}' | '\u{964}' | '\u{965}' | '\u{970}' | '\u{e4f}' | '\u{e5a}' | '\u{e5b}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}' | '\u{2053}'..='\u{205e}'
            | '\u{207d}' | '\u{207e}' | '\u{208d}' | '\u{208e}' | '\u{2308}'..='\u{230b}' | '\u{2329}' | '\u{232a}'
            | '\u{2768}'..='\u{2775}' | '\u{27e6}'..='\u{27ef}' | '\u{2983}'..='\u{2998}' | '\u{2e00}'..='\u{2e4f}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{3030}' | '\u{303d}'
            | '\u{30a0}' | '\u{30fb}' | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe52}' | '\u{fe54}'..='\u{fe61}'
            | '\u{fe63}' | '\u{fe68}' | '\u{fe6a}' | '\u{fe6b}' | '\u{ff01}'..='\u{ff03}' | '\u{ff05}'..='\u{ff0a}'
            | '\u{ff0c}'..='\u{ff0f}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}' | '\u{ff20}' | '\u{ff3b}'..='\u{ff3d}'
            | '\u{ff3f}' | '\u{ff5b}' | '\u{ff5d}' | '\u{ff5f}'..='\u{ff65}')
}
