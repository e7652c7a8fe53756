//! Texts to vectors: a model file opened for use.
//!
//! It does not know what the vectors are for, nor async or processes; a call runs to its end on the caller's thread
//! and on as many more as it allows.

use crate::compute::{Level, Precision, Scratch};
use crate::gguf::{Gguf, Tensor, map_file};
use crate::model::{Model, Pack, Shape};
use crate::tokenizer::Tokenizer;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use yizhan_domain::{Error, Result};

#[cfg(test)]
#[path = "encoder_tests.rs"]
mod tests;

/// Tokens that are computed together: enough to reuse each weight often, few enough to stay in the cache.
const PACK_TOKENS: usize = 256;
/// A token of ordinary text is never longer; more bytes than this for each allowed token are not even read.
const MOST_BYTES_PER_TOKEN: usize = 128;

/// How many of a text's tokens the model was made for, where that is fewer than it has positions.
pub(crate) const MAX_TOKENS_KEY: &str = "yizhan.embed.max_tokens";

/// What a model wants before a text, by the side of a search that it is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// Before a question.
    pub query: String,
    /// Before something to be found.
    pub passage: String,
}

/// A sentence encoder, ready for use from any thread.
pub struct Encoder {
    bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
    /// Where the table of token embeddings lies in `bytes`.
    table: Table,
    tokenizer: Tokenizer,
    model: Model,
    max_tokens: usize,
    prefixes: Prefixes,
    level: Level,
    /// Working memory of earlier calls.
    idle: Mutex<Vec<Scratch>>,
}

struct Table {
    kind: crate::gguf::ElementType,
    range: Range<usize>,
}

impl Encoder {
    /// Opens a GGUF file of architecture `bert`; weights are multiplied as bytes.
    ///
    /// # Errors
    /// `ModelUnavailable` when the file is missing, damaged or of another kind.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Precision::Int8)
    }

    /// Opens a file with a precision of choice.
    ///
    /// # Errors
    /// As [`Encoder::open`].
    pub fn open_with(path: &Path, precision: Precision) -> Result<Self> {
        Self::new(Box::new(map_file(path)?), precision, Level::best()).map_err(|error| error.context(path.display()))
    }

    pub(crate) fn new(bytes: Box<dyn AsRef<[u8]> + Send + Sync>, precision: Precision, level: Level) -> Result<Self> {
        let all = (*bytes).as_ref();
        let file = Gguf::parse(all)?;
        let shape = Shape::read(&file)?;
        let tokens = shape.token_table(&file)?;
        let start = tokens.bytes.as_ptr().addr() - all.as_ptr().addr();
        let table = Table { kind: tokens.kind, range: start..start + tokens.bytes.len() };
        let tokenizer = Tokenizer::from_gguf(&file, shape.vocabulary)?;
        let model = Model::read(&file, shape, precision)?;
        let prefixes = Prefixes::of(&file);
        let max_tokens = file.integer(MAX_TOKENS_KEY).unwrap_or(shape.positions).clamp(3, shape.positions);
        drop(file);
        Ok(Self { bytes, table, tokenizer, model, max_tokens, prefixes, level, idle: Mutex::default() })
    }

    /// Length of a vector.
    pub fn dimensions(&self) -> usize {
        self.model.shape.width
    }

    /// Most tokens of one text, prefix and special tokens included; what is beyond is cut off.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// What this model wants before questions and passages; empty where it wants nothing.
    pub fn prefixes(&self) -> &Prefixes {
        &self.prefixes
    }

    /// The byte ranges of the text's tokens, in order, without prefix and special tokens and without a limit of
    /// length. Ranges lie on character boundaries and do not overlap; white space may lie between them. A token that
    /// stands for no character of its own, such as a space's mark, has an empty range, so that their number is exact.
    pub fn token_ranges(&self, text: &str) -> Vec<Range<u32>> {
        self.tokenizer.tokens(text).into_iter().map(|token| token.start..token.end).collect()
    }

    /// One vector of length 1 for each text, row after row, and the number of tokens that were computed. `prefix`
    /// is put before each text. At most `threads` threads work, the caller's included.
    ///
    /// # Errors
    /// `Internal` when a thread of it ended early.
    pub fn embed(&self, texts: &[impl AsRef<str>], prefix: &str, threads: usize) -> Result<(Vec<f32>, u32)> {
        let sequences: Vec<Vec<u32>> = texts.iter().map(|text| self.sequence(prefix, text.as_ref())).collect();
        let total = sequences.iter().map(Vec::len).sum::<usize>();
        let packs = plan(&sequences);
        let width = self.dimensions();
        let mut values = vec![0.0; texts.len() * width];
        let next = AtomicUsize::new(0);
        let results = Mutex::new(&mut values);
        let work = || {
            let mut scratch = self.scratch();
            let mut out = Vec::new();
            while let Some(texts) = packs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let pack = lay_out(&sequences, texts);
                out.resize(texts.len() * width, 0.0);
                self.model.run(self.token_table(), &pack, &mut scratch, &mut out);
                let mut results = results.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                for (&text, row) in texts.iter().zip(out.chunks_exact(width)) {
                    results[text * width..(text + 1) * width].copy_from_slice(row);
                }
            }
            self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(scratch);
        };
        let helpers = threads.min(packs.len()).saturating_sub(1);
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            work();
            let ended = handles.into_iter().all(|handle| handle.join().is_ok());
            if ended { Ok(()) } else { Err(Error::internal("A thread of the embedding model ended early.")) }
        })?;
        Ok((values, u32::try_from(total).unwrap_or(u32::MAX)))
    }

    fn scratch(&self) -> Scratch {
        let kept = self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
        kept.unwrap_or_else(|| Scratch::new(self.level))
    }

    fn token_table(&self) -> Tensor<'_> {
        let bytes = &(*self.bytes).as_ref()[self.table.range.clone()];
        let shape = self.model.shape;
        Tensor { kind: self.table.kind, rows: shape.vocabulary, columns: shape.width, bytes }
    }

    /// A text's tokens as the model takes them, cut to its limit.
    fn sequence(&self, prefix: &str, text: &str) -> Vec<u32> {
        let most = self.max_tokens();
        let cut = text.floor_char_boundary(most * MOST_BYTES_PER_TOKEN);
        let tokens = self.tokenizer.tokens(&format!("{prefix}{}", &text[..cut]));
        let middle = tokens.iter().take(most - 2).map(|token| token.id);
        let first = std::iter::once(self.tokenizer.first);
        first.chain(middle).chain(std::iter::once(self.tokenizer.last)).collect()
    }
}

impl Prefixes {
    fn of(file: &Gguf<'_>) -> Self {
        let name = file.text("general.name").unwrap_or_default().to_lowercase();
        let (query, passage) =
            if name.contains("e5-") || name.contains("e5 ") { ("query: ", "passage: ") } else { ("", "") };
        Self { query: query.to_owned(), passage: passage.to_owned() }
    }
}

/// Texts by length, in packs of about `PACK_TOKENS` tokens, the longest first so that threads end together.
fn plan(sequences: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&text| std::cmp::Reverse(sequences[text].len()));
    let mut packs: Vec<Vec<usize>> = Vec::new();
    let mut filled = usize::MAX;
    for text in order {
        let length = sequences[text].len();
        match packs.last_mut() {
            Some(pack) if filled.saturating_add(length) <= PACK_TOKENS => {
                pack.push(text);
                filled += length;
            }
            _ => {
                packs.push(vec![text]);
                filled = length;
            }
        }
    }
    packs
}

fn lay_out(sequences: &[Vec<u32>], texts: &[usize]) -> Pack {
    let mut pack = Pack::default();
    for &text in texts {
        let start = pack.tokens.len();
        pack.tokens.extend(&sequences[text]);
        pack.sequences.push(start..pack.tokens.len());
    }
    pack
}
