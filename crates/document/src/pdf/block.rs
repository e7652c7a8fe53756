//! Lines to blocks: paragraphs across lines and pages, list items, code.
//!
//! It does not know PDFium or columns; lines come in reading order.

use super::line::Line;
use crate::parsed::{Block, BlockKind, span};
use crate::wrap;

/// Makes blocks from the lines of page after page.
#[derive(Default)]
pub(super) struct Builder {
    blocks: Vec<Block>,
    last: Option<Line>,
}

impl Builder {
    /// Adds a page's lines.
    pub(super) fn page(&mut self, number: u32, lines: Vec<Line>) {
        for line in lines {
            let kind = if line.mono { BlockKind::Code { language: None } } else { BlockKind::Paragraph };
            let continues = self.last.as_ref().is_some_and(|last| continues(last, &line))
                && self.blocks.last().is_some_and(|block| block.kind == kind);
            match self.blocks.last_mut() {
                Some(block) if continues => append(block, &line, number),
                _ => {
                    let lines = vec![span(0, line.text.len(), Some(number), Some(line.rect))];
                    self.blocks.push(Block { kind, text: line.text.clone(), lines });
                }
            }
            self.last = Some(line);
        }
        self.last = None;
    }

    /// All blocks.
    pub(super) fn finish(self) -> Vec<Block> {
        self.blocks
    }
}

fn append(block: &mut Block, line: &Line, page: u32) {
    if matches!(block.kind, BlockKind::Code { .. }) {
        block.text.push('\n');
    } else {
        wrap::join(&mut block.text, &line.text);
    }
    let start = block.text.len();
    block.text.push_str(&line.text);
    block.lines.push(span(start, block.text.len(), Some(page), Some(line.rect)));
}

fn continues(last: &Line, next: &Line) -> bool {
    let leading = next.base - last.base;
    let same = (last.size - next.size).abs() < 0.1 * last.size && last.mono == next.mono;
    same && leading > 0.0 && leading < 1.9 * last.size
}
