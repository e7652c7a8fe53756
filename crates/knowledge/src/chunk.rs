//! Cutting a parsed document into chunks: by a sliding window, or along its structure.
//!
//! It does not know models: the tokens' ranges are handed in by [`Tokens`].

use crate::lines::{LinedText, plain_lines};
use crate::relevance::is_cjk;
use std::ops::Range;
use yizhan_document::{Block, BlockKind, Parsed};
use yizhan_domain::{LineSpan, Result};
use yizhan_store::{Chunking, NewChunk, NewSection, Processed};

/// Where a text's tokens stand: for each text ascending byte ranges on character boundaries.
pub trait Tokens {
    /// One list of ranges per text.
    fn ranges(&self, texts: &[&str]) -> Result<Vec<Vec<Range<u32>>>>;
}

/// Cuts a document. The chunks' vectors are empty still.
pub fn chunk_document(parsed: &Parsed, chunking: Chunking, tokens: &dyn Tokens) -> Result<Processed> {
    let sections = sections(parsed);
    let mut processed = match chunking {
        Chunking::Window { tokens: length, overlap } => {
            let step = length.saturating_sub(overlap).max(1) as usize;
            by_window(&sections, length.max(1) as usize, step, tokens)?
        }
        Chunking::Structure { tokens: most } => by_structure(&sections, most.max(8) as usize, tokens)?,
    };
    processed.pages = parsed.pages;
    Ok(processed)
}

/// A run of blocks under one heading path.
struct SectionBlocks<'a> {
    heading: Vec<String>,
    blocks: Vec<&'a Block>,
}

fn sections(parsed: &Parsed) -> Vec<SectionBlocks<'_>> {
    let mut path: Vec<(u8, String)> = Vec::new();
    let mut sections: Vec<SectionBlocks> = Vec::new();
    // Repeated page headers and footers would stand in the middle of sentences.
    for block in parsed.blocks.iter().filter(|block| block.kind != BlockKind::Margin) {
        if let BlockKind::Heading { level } = &block.kind {
            path.retain(|(above, _)| above < level);
            path.push((*level, one_line(&block.text)));
            let heading = path.iter().map(|(_, title)| title.clone()).collect();
            sections.push(SectionBlocks { heading, blocks: vec![block] });
        } else if let Some(section) = sections.last_mut() {
            section.blocks.push(block);
        } else {
            sections.push(SectionBlocks { heading: Vec::new(), blocks: vec![block] });
        }
    }
    sections
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines of a block; a block without spans gets one per line of its text.
fn block_lines(block: &Block) -> Vec<LineSpan> {
    if block.lines.is_empty() { plain_lines(&block.text) } else { block.lines.clone() }
}

/// What stands between two blocks of one text.
const BETWEEN_BLOCKS: &str = "\n";

fn by_window(sections: &[SectionBlocks], length: usize, step: usize, tokens: &dyn Tokens) -> Result<Processed> {
    let mut whole = LinedText::default();
    // For each byte offset at which a new heading path begins, the path.
    let mut headings: Vec<(usize, &[String])> = Vec::new();
    let mut texts: Vec<&str> = Vec::new();
    let mut offsets: Vec<usize> = Vec::new();
    for section in sections {
        for (position, block) in section.blocks.iter().enumerate() {
            whole.push(BETWEEN_BLOCKS, &block.text, &block_lines(block));
            let offset = whole.text.len() - block.text.len();
            if position == 0 {
                headings.push((offset, &section.heading));
            }
            offsets.push(offset);
            texts.push(&block.text);
        }
    }
    let ranges: Vec<Range<usize>> = tokens
        .ranges(&texts)?
        .into_iter()
        .zip(&offsets)
        .flat_map(|(ranges, offset)| {
            ranges.into_iter().map(move |r| r.start as usize + offset..r.end as usize + offset)
        })
        .collect();
    let mut processed = Processed::default();
    let mut start = 0;
    while start < ranges.len() {
        let end = (start + length).min(ranges.len());
        let bytes = ranges[start].start..ranges[end - 1].end;
        let (text, lines) = whole.slice(bytes.clone());
        if !text.trim().is_empty() {
            let heading = headings.partition_point(|(offset, _)| *offset <= bytes.start);
            let heading = heading.checked_sub(1).map_or(Vec::new(), |at| headings[at].1.to_vec());
            let tokens = (end - start) as u32;
            processed.chunks.push(NewChunk { text, heading, lines, section: None, tokens, vector: Vec::new() });
        }
        if end == ranges.len() {
            break;
        }
        start += step;
    }
    Ok(processed)
}

fn by_structure(sections: &[SectionBlocks], most: usize, tokens: &dyn Tokens) -> Result<Processed> {
    let mut processed = Processed::default();
    for section in sections {
        let mut whole = LinedText::default();
        for block in &section.blocks {
            whole.push(BETWEEN_BLOCKS, &block.text, &block_lines(block));
        }
        let only_heading = section.blocks.iter().all(|block| matches!(block.kind, BlockKind::Heading { .. }));
        // A heading with nothing of its own is found through the heading path of what follows it.
        if whole.text.trim().is_empty() || (only_heading && has_children(sections, section)) {
            continue;
        }
        let number = processed.sections.len();
        processed.sections.push(NewSection { heading: section.heading.clone(), text: whole.text.clone() });
        processed.chunks.extend(pieces(section, most, tokens)?.into_iter().map(|(piece, count)| NewChunk {
            text: piece.text,
            heading: section.heading.clone(),
            lines: piece.lines,
            section: Some(number),
            tokens: count as u32,
            vector: Vec::new(),
        }));
    }
    Ok(processed)
}

/// Does any section stand under this one's heading?
fn has_children(sections: &[SectionBlocks], section: &SectionBlocks) -> bool {
    let depth = section.heading.len();
    sections.iter().any(|other| other.heading.len() > depth && other.heading[..depth] == section.heading)
}

/// Tables and code may be this many times longer than other chunks before they are cut.
const WHOLE_BLOCK_FACTOR: usize = 4;

/// Groups a section's blocks into pieces of at most `most` tokens.
fn pieces(section: &SectionBlocks, most: usize, tokens: &dyn Tokens) -> Result<Vec<(LinedText, usize)>> {
    let texts: Vec<&str> = section.blocks.iter().map(|block| block.text.as_str()).collect();
    let counts = tokens.ranges(&texts)?;
    let mut pieces: Vec<(LinedText, usize)> = Vec::new();
    let mut current = (LinedText::default(), 0);
    for (block, ranges) in section.blocks.iter().zip(&counts) {
        let whole = matches!(block.kind, BlockKind::Table | BlockKind::Code { .. });
        let limit = if whole { most * WHOLE_BLOCK_FACTOR } else { most };
        if current.1 > 0 && current.1 + ranges.len() > most {
            pieces.push(std::mem::take(&mut current));
        }
        if ranges.len() <= limit {
            current.0.push(BETWEEN_BLOCKS, &block.text, &block_lines(block));
            current.1 += ranges.len();
            continue;
        }
        if current.1 > 0 {
            pieces.push(std::mem::take(&mut current));
        }
        pieces.extend(split_block(block, ranges, limit.min(most * WHOLE_BLOCK_FACTOR)));
    }
    if current.1 > 0 {
        pieces.push(current);
    }
    Ok(pieces)
}

/// Cuts a block that is too long by itself: a table between rows (its header repeated), code
/// between lines, prose after sentences.
fn split_block(block: &Block, ranges: &[Range<u32>], most: usize) -> Vec<(LinedText, usize)> {
    let whole = LinedText { text: block.text.clone(), lines: block_lines(block) };
    let header = match block.kind {
        BlockKind::Table => table_header(&block.text),
        _ => 0,
    };
    let breaks = match block.kind {
        BlockKind::Table | BlockKind::Code { .. } => line_breaks(&block.text),
        _ => sentence_breaks(&block.text),
    };
    let header_tokens = ranges.partition_point(|r| (r.end as usize) <= header);
    let room = most.saturating_sub(header_tokens).max(1);
    let mut pieces = Vec::new();
    let mut first = header_tokens;
    while first < ranges.len() {
        let last = (first + room).min(ranges.len());
        let from = ranges[first].start as usize;
        let hard = ranges[last - 1].end as usize;
        // The last allowed break inside the window, if there is one after its start.
        let to = match breaks.partition_point(|at| *at <= hard) {
            _ if last == ranges.len() => hard,
            0 => hard,
            n if breaks[n - 1] > from => breaks[n - 1],
            _ => hard,
        };
        let next = ranges.partition_point(|r| (r.start as usize) < to).max(first + 1);
        let (text, lines) = whole.slice(from..to.max(ranges[first].end as usize));
        let mut piece = LinedText::default();
        if header > 0 {
            let (head, head_lines) = whole.slice(0..header);
            piece.push("", head.trim_end(), &head_lines);
        }
        piece.push("\n", text.trim_end(), &lines);
        pieces.push((piece, header_tokens + next - first));
        first = next;
    }
    pieces
}

/// Length of a Markdown table's header row and rule.
fn table_header(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    match (lines.next(), lines.next()) {
        (Some(head), Some(rule)) if rule.contains("---") => head.len() + rule.len(),
        _ => 0,
    }
}

fn line_breaks(text: &str) -> Vec<usize> {
    text.match_indices('\n').map(|(at, _)| at + 1).collect()
}

/// Offsets behind a sentence's end, Chinese or Western.
fn sentence_breaks(text: &str) -> Vec<usize> {
    let mut breaks = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let after = at + character.len_utf8();
        let next = characters.peek().map(|(_, c)| *c);
        let ends = match character {
            '。' | '！' | '？' | '；' | '\n' => true,
            '.' | '!' | '?' | ';' => next.is_none_or(char::is_whitespace),
            _ => false,
        };
        if ends {
            breaks.push(after);
        }
    }
    breaks
}

/// Tokens of a base without an embedding model: each Chinese, Japanese or Korean character, and
/// each run of other letters and digits.
pub(crate) fn word_ranges(text: &str) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    let mut joins = false;
    for (at, character) in text.char_indices() {
        let (start, end) = (at as u32, (at + character.len_utf8()) as u32);
        let letter = character.is_alphanumeric() && !is_cjk(character);
        match ranges.last_mut() {
            Some(last) if joins && letter => last.end = end,
            _ if character.is_whitespace() => {}
            _ => ranges.push(start..end),
        }
        joins = letter;
    }
    ranges
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
