//! Normalisation before a unigram model: which characters stand for one of the text.
//!
//! Three sources, best first: a map per code point (own key, from containers that carry it), SentencePiece's compiled
//! map (`tokenizer.ggml.precompiled_charsmap`), and its rules by name (NFKC, control characters dropped, every kind
//! of white space one space).

use super::charsmap::Charsmap;
use crate::gguf::{Gguf, damaged};
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use yizhan_domain::Result;

/// Where the map per code point lies in a model file: code point, count, that many code points; and so on.
pub(crate) const NORMALIZATION_KEY: &str = "yizhan.tokenizer.normalization";

#[derive(Debug)]
pub(super) enum Normalizer {
    Map(Map),
    Charsmap(Charsmap),
    Rules,
}

impl Normalizer {
    pub(super) fn from_gguf(file: &Gguf<'_>) -> Result<Self> {
        if let Some(words) = file.array(NORMALIZATION_KEY) {
            return Ok(Self::Map(Map::read(words.words()?)?));
        }
        match file.array("tokenizer.ggml.precompiled_charsmap") {
            Some(bytes) if !bytes.bytes.is_empty() => Ok(Self::Charsmap(Charsmap::read(bytes.bytes)?)),
            _ => Ok(Self::Rules),
        }
    }

    /// Calls `emit` for each normalised character with the bytes of the text that it came from. Only the first
    /// 4 GiB of a text are read.
    pub(super) fn run(&self, text: &str, mut emit: impl FnMut(char, u32, u32)) {
        match self {
            Self::Map(map) => each_character(text, |character, start, end| {
                map.of(character, |character| emit(character, start, end));
            }),
            Self::Charsmap(charsmap) => charsmap.run(text, emit),
            Self::Rules => run_rules(text, emit),
        }
    }
}

fn each_character(text: &str, mut call: impl FnMut(char, u32, u32)) {
    for (at, character) in text.char_indices() {
        let Ok(end) = u32::try_from(at + character.len_utf8()) else { return };
        call(character, at as u32, end);
    }
}

/// A map from code points to texts, found by the code point's upper bits and then by bisection.
#[derive(Debug)]
pub(super) struct Map {
    keys: Vec<u32>,
    /// `values[ends[i - 1]..ends[i]]` replaces `keys[i]`.
    ends: Vec<u32>,
    values: Vec<char>,
    /// For each block of 256 code points the first key in or after it.
    blocks: Vec<u32>,
}

const BLOCKS: usize = 0x11_0000 >> 8;

impl Map {
    fn read(words: impl Iterator<Item = u32>) -> Result<Self> {
        let mut words = words;
        let mut map = Map { keys: Vec::new(), ends: Vec::new(), values: Vec::new(), blocks: Vec::new() };
        while let Some(key) = words.next() {
            if map.keys.last().is_some_and(|last| *last >= key) || key >= 0x11_0000 {
                return Err(damaged("its normalisation map is not in order"));
            }
            let count = words.next().ok_or_else(|| damaged("its normalisation map ends too early"))?;
            for _ in 0..count {
                let value = words.next().and_then(char::from_u32);
                map.values.push(value.ok_or_else(|| damaged("its normalisation map has a wrong character"))?);
            }
            map.keys.push(key);
            map.ends.push(map.values.len() as u32);
        }
        let first = |block: usize| map.keys.partition_point(|key| (*key as usize) < block << 8) as u32;
        map.blocks = (0..=BLOCKS).map(first).collect();
        Ok(map)
    }

    fn of(&self, character: char, emit: impl FnMut(char)) {
        match self.find(character as u32) {
            Some(values) => self.values[values].iter().copied().for_each(emit),
            None => std::iter::once(character).for_each(emit),
        }
    }

    fn find(&self, key: u32) -> Option<Range<usize>> {
        let block = (key >> 8) as usize;
        let (from, to) = (self.blocks[block] as usize, self.blocks[block + 1] as usize);
        let index = from + self.keys[from..to].binary_search(&key).ok()?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(start as usize..self.ends[index] as usize)
    }
}

/// SentencePiece's `nmt_nfkc` by its description, one base character with its combining marks at a time.
fn run_rules(text: &str, mut emit: impl FnMut(char, u32, u32)) {
    let mut cluster = String::new();
    let (mut from, mut to) = (0, 0);
    let mut flush = |cluster: &mut String, from: u32, to: u32| {
        cluster.nfkc().filter_map(simplified).for_each(|character| emit(character, from, to));
        cluster.clear();
    };
    each_character(text, |character, start, end| {
        if canonical_combining_class(character) == 0 {
            flush(&mut cluster, from, to);
            from = start;
        }
        cluster.push(character);
        to = end;
    });
    flush(&mut cluster, from, to);
}

fn simplified(character: char) -> Option<char> {
    match character {
        '\t' | '\n' | '\r' | '\u{c}' => Some(' '),
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{fffd}' | '\u{2028}' | '\u{2029}' => Some(' '),
        _ if character.is_control() => None,
        _ if character.is_whitespace() => Some(' '),
        _ => Some(character),
    }
}
