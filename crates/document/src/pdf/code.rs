//! Program text: the indentation that a PDF only draws, given back as spaces.
//!
//! It does not know programming languages.

use crate::parsed::Block;

/// Puts spaces before each line as far as its box stands in from the block's leftmost.
pub(super) fn indent(block: &mut Block) {
    let lefts = block.lines.iter().filter_map(|line| line.rect).map(|rect| rect.0[0]);
    let (Some(left), Some(width)) = (lefts.reduce(f32::min), character_width(block)) else { return };
    let mut text = String::with_capacity(block.text.len() + 64);
    for (index, line) in block.lines.iter_mut().enumerate() {
        let spaces = line.rect.map_or(0.0, |rect| ((rect.0[0] - left) / width).round()).clamp(0.0, 120.0) as usize;
        let old = block.text.get(line.start as usize..line.end as usize).unwrap_or_default();
        if index > 0 {
            text.push('\n');
        }
        line.start = text.len() as u32;
        text.extend(std::iter::repeat_n(' ', spaces));
        text.push_str(old);
        line.end = text.len() as u32;
    }
    block.text = text;
}

/// The width of one character, from the longest line.
fn character_width(block: &Block) -> Option<f32> {
    let line = block.lines.iter().max_by_key(|line| line.end - line.start)?;
    let text = block.text.get(line.start as usize..line.end as usize)?;
    let columns: usize = text.chars().map(|ch| if crate::wrap::is_wide(ch) { 2 } else { 1 }).sum();
    let width = line.rect?.width() / columns.max(1) as f32;
    (width > 0.5).then_some(width)
}
