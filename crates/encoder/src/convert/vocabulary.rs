//! `tokenizer.json` into a GGUF vocabulary.

use super::bert::{self, CONTROL, NORMAL, UNKNOWN, UNUSED};
use crate::gguf::{GgufWriter, damaged};
use crate::tokenizer::LOWERCASE_KEY;
use serde_json::Value;
use yizhan_domain::Result;

/// A vocabulary's parts, by number.
struct Vocabulary {
    pieces: Vec<String>,
    scores: Vec<f32>,
    kinds: Vec<i32>,
}

pub(super) fn write(bytes: &[u8], size: usize, file: &mut GgufWriter<'_>) -> Result<()> {
    let json: Value = serde_json::from_slice(bytes)
        .map_err(|cause| damaged(format!("the source's tokenizer.json cannot be read: {cause}")))?;
    match json["model"]["type"].as_str() {
        Some("WordPiece") => write_wordpiece(&json, size, file),
        Some("Unigram") => write_unigram(&json, size, file),
        other => Err(damaged(format!("the source's tokenizer is of the unknown type {other:?}"))),
    }
}

fn write_wordpiece(json: &Value, size: usize, file: &mut GgufWriter<'_>) -> Result<()> {
    let mut vocabulary = Vocabulary::new(size)?;
    let pieces = json["model"]["vocab"].as_object().ok_or_else(|| damaged("the source's tokenizer has no tokens"))?;
    for (piece, number) in pieces {
        let marked = match piece.strip_prefix("##") {
            Some(rest) => rest.to_owned(),
            None if piece.starts_with('[') && piece.ends_with(']') => piece.clone(),
            None => format!("\u{2581}{piece}"),
        };
        vocabulary.set(number.as_u64(), marked, 0.0)?;
    }
    let unknown = json["model"]["unk_token"].as_str().unwrap_or("[UNK]");
    let number = |piece: &str| {
        let number = pieces.get(piece).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| damaged(format!("the source's tokenizer has no '{piece}'")))
    };
    let (first, last, unknown) = (number("[CLS]")?, number("[SEP]")?, number(unknown)?);
    vocabulary.mark_special(json, unknown)?;
    file.text("tokenizer.ggml.model", "bert");
    file.text("tokenizer.ggml.pre", "default");
    file.boolean(LOWERCASE_KEY, json["normalizer"]["lowercase"].as_bool().unwrap_or(true));
    vocabulary.write(file);
    let special = [("cls", first), ("bos", first), ("seperator", last), ("eos", last), ("unknown", unknown)];
    bert::write_special(file, &special);
    Ok(())
}

fn write_unigram(json: &Value, size: usize, file: &mut GgufWriter<'_>) -> Result<()> {
    let mut vocabulary = Vocabulary::new(size)?;
    let lacks = || damaged("the source's tokenizer has no tokens");
    let pieces = json["model"]["vocab"].as_array().ok_or_else(lacks)?;
    for (number, entry) in pieces.iter().enumerate() {
        let piece = entry[0].as_str().ok_or_else(lacks)?;
        vocabulary.set(Some(number as u64), piece.to_owned(), entry[1].as_f64().unwrap_or(0.0) as f32)?;
    }
    let number = |piece: &str| {
        let found = pieces.iter().position(|entry| entry[0].as_str() == Some(piece));
        let found = found.and_then(|number| u32::try_from(number).ok());
        found.ok_or_else(|| damaged(format!("the source's tokenizer has no '{piece}'")))
    };
    let (first, last) = (number("<s>")?, number("</s>")?);
    let unknown = json["model"]["unk_id"].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(3);
    vocabulary.mark_special(json, unknown)?;
    file.text("tokenizer.ggml.model", "t5");
    file.text("tokenizer.ggml.pre", "default");
    vocabulary.write(file);
    if let Some(map) = charsmap(&json["normalizer"]) {
        let map = base64(map).ok_or_else(|| damaged("the source's normalisation map is no base64"))?;
        file.bytes("tokenizer.ggml.precompiled_charsmap", &map);
    }
    file.boolean("tokenizer.ggml.add_space_prefix", true);
    file.boolean("tokenizer.ggml.remove_extra_whitespaces", true);
    bert::write_special(file, &[("bos", first), ("eos", last), ("unknown", unknown)]);
    Ok(())
}

impl Vocabulary {
    fn new(size: usize) -> Result<Self> {
        if size > 1 << 22 {
            return Err(damaged("the source's vocabulary is too large"));
        }
        let pieces = (0..size).map(|number| format!("[PAD{number}]")).collect();
        Ok(Self { pieces, scores: vec![0.0; size], kinds: vec![UNUSED; size] })
    }

    fn set(&mut self, number: Option<u64>, piece: String, score: f32) -> Result<()> {
        let number = number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number < self.kinds.len());
        let number = number.ok_or_else(|| damaged("a token of the source has no embedding"))?;
        (self.pieces[number], self.scores[number], self.kinds[number]) = (piece, score, NORMAL);
        Ok(())
    }

    fn mark_special(&mut self, json: &Value, unknown: u32) -> Result<()> {
        for token in json["added_tokens"].as_array().into_iter().flatten().filter(|token| token["special"] == true) {
            let number = token["id"].as_u64();
            self.set(number, token["content"].as_str().unwrap_or_default().to_owned(), 0.0)?;
            // `set` has checked that the number is there.
            self.kinds[number.unwrap_or_default() as usize] = CONTROL;
        }
        let place = self.kinds.get_mut(unknown as usize);
        *place.ok_or_else(|| damaged("the source's unknown token has no embedding"))? = UNKNOWN;
        Ok(())
    }

    fn write(self, file: &mut GgufWriter<'_>) {
        file.texts("tokenizer.ggml.tokens", self.pieces.iter().map(String::as_bytes));
        file.floats("tokenizer.ggml.scores", self.scores.into_iter());
        file.integers("tokenizer.ggml.token_type", self.kinds.into_iter());
    }
}

/// The compiled map of a normaliser, or of one in its sequence.
fn charsmap(normalizer: &Value) -> Option<&str> {
    let own = normalizer["precompiled_charsmap"].as_str();
    own.or_else(|| normalizer["normalizers"].as_array()?.iter().find_map(charsmap))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}
