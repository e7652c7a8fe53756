//! Lines to blocks: paragraphs across lines, columns and pages, headings, list items, tables, code.
//!
//! It does not know PDFium or columns; lines come in reading order.

use super::heading::Headings;
use super::hyphen::Hyphens;
use super::layout::Item;
use super::line::Line;
use super::margin::PageItems;
use crate::parsed::{Block, BlockKind, span};
use crate::table::{Row, table_block};
use crate::{list, wrap};

/// Lines of one paragraph have baselines at most this many times the size apart.
const LEADING: f32 = 1.75;

/// Makes blocks from the pages of a document.
pub(super) struct Builder<'a> {
    headings: &'a Headings,
    hyphens: &'a Hyphens,
    blocks: Vec<Block>,
    /// Headers and footers met since the last block of the body.
    margins: Vec<Block>,
    open: Option<Open>,
}

/// The block that the next line may continue.
struct Open {
    block: Block,
    last: Line,
    page: u32,
    /// Where its lines after the first begin; the first may be indented or have a marker.
    left: f32,
    /// The distance of its lines' baselines, once it has two.
    leading: Option<f32>,
}

impl<'a> Builder<'a> {
    /// A builder for a document of which `headings` and `hyphens` are known.
    pub(super) fn new(headings: &'a Headings, hyphens: &'a Hyphens) -> Self {
        Self { headings, hyphens, blocks: Vec::new(), margins: Vec::new(), open: None }
    }

    /// Adds a page.
    pub(super) fn page(&mut self, page: PageItems) {
        let number = page.number;
        let mut items = page.items.into_iter().peekable();
        let mut above: Option<Line> = None;
        while let Some(item) = items.next() {
            match item {
                Item::Table(rows) => self.table(rows),
                Item::Line(line) if line.margin => self.margin(&line, number),
                Item::Line(line) => {
                    let below = match items.peek() {
                        Some(Item::Line(next)) if !next.margin => Some(next),
                        _ => None,
                    };
                    let alone = is_apart(above.as_ref(), &line)
                        && below.is_none_or(|below| is_apart(Some(&line), below) || !below.bold);
                    above = Some(line.clone());
                    self.line(line, number, alone);
                }
            }
        }
    }

    /// All blocks.
    pub(super) fn finish(mut self) -> Vec<Block> {
        self.close();
        self.blocks.append(&mut self.margins);
        self.blocks
    }

    fn line(&mut self, line: Line, page: u32, alone: bool) {
        if let Some(open) = &self.open
            && self.continues(open, &line, page)
        {
            return self.append(line, page);
        }
        self.close();
        let kind = if line.mono {
            BlockKind::Code { language: None }
        } else if let Some(level) = self.headings.level(page, &line.text, &line, alone) {
            BlockKind::Heading { level }
        } else if list::marker_length(&line.text).is_some() {
            BlockKind::ListItem { level: 1 }
        } else if list::is_caption(&line.text) {
            BlockKind::Caption
        } else {
            BlockKind::Paragraph
        };
        let block =
            Block { kind, text: line.text.clone(), lines: vec![span(0, line.text.len(), Some(page), Some(line.rect))] };
        let left = line.rect.0[0];
        self.open = Some(Open { block, last: line, page, left, leading: None });
    }

    fn continues(&self, open: &Open, line: &Line, page: u32) -> bool {
        let last = &open.last;
        if (last.size - line.size).abs() > 0.1 * last.size || last.mono != line.mono {
            return false;
        }
        let same_column = page == open.page && last.region == line.region;
        let step = line.base - last.base;
        let near = same_column
            && step > 0.0
            && step <= LEADING * line.size
            && open.leading.is_none_or(|leading| step < leading * 1.35);
        match open.block.kind {
            BlockKind::Code { .. } => same_column && step > 0.0 && step < 3.0 * line.size,
            BlockKind::Heading { .. } => {
                near && last.bold == line.bold
                    && (self.headings.is_large(line) || self.headings.is_begun(page, &open.block.text))
                    && self
                        .headings
                        .level(page, &open.block.text, last, false)
                        .is_none_or(|_| !self.is_own_heading(line, page))
            }
            _ if list::marker_length(&line.text).is_some() || self.is_own_heading(line, page) => false,
            _ if near => !ends_short(last, line) && !is_indented(open, line),
            // The next column or page.
            _ if !same_column => is_full(last) && !ends_sentence(&last.text) && !starts_apart(line),
            _ => false,
        }
    }

    fn is_own_heading(&self, line: &Line, page: u32) -> bool {
        self.headings.level(page, &line.text, line, false).is_some() && !self.headings.is_large(line)
    }

    fn append(&mut self, line: Line, page: u32) {
        let Some(open) = &mut self.open else { return };
        let text = &mut open.block.text;
        if matches!(open.block.kind, BlockKind::Code { .. }) {
            text.push('\n');
        } else if self.hyphens.goes(text, &line.text) {
            text.pop();
            if let Some(before) = open.block.lines.last_mut() {
                before.end -= 1;
            }
        } else {
            wrap::join(text, &line.text);
        }
        let start = text.len();
        text.push_str(&line.text);
        open.block.lines.push(span(start, text.len(), Some(page), Some(line.rect)));
        if page == open.page && line.region == open.last.region {
            open.leading = Some(line.base - open.last.base);
        }
        open.left = line.rect.0[0];
        open.page = page;
        open.last = line;
    }

    fn close(&mut self) {
        if let Some(mut open) = self.open.take() {
            if matches!(open.block.kind, BlockKind::Code { .. }) {
                super::code::indent(&mut open.block);
            }
            self.blocks.push(open.block);
        }
        self.blocks.append(&mut self.margins);
    }

    fn table(&mut self, rows: Vec<Row>) {
        self.close();
        self.blocks.extend(table_block(&rows));
    }

    /// Kept until the open paragraph, which may go on below it, is closed.
    fn margin(&mut self, line: &Line, page: u32) {
        let lines = vec![span(0, line.text.len(), Some(page), Some(line.rect))];
        self.margins.push(Block { kind: BlockKind::Margin, text: line.text.clone(), lines });
    }
}

/// More than a line's distance lies between them.
fn is_apart(above: Option<&Line>, below: &Line) -> bool {
    above.is_none_or(|above| {
        let step = below.base - above.base;
        above.region != below.region || step <= 0.0 || step > 1.5 * below.size.max(above.size)
    })
}

/// The next line's first word would have fitted behind this line: its writer ended a paragraph.
fn ends_short(last: &Line, next: &Line) -> bool {
    let room = last.column[1] - last.rect.0[2];
    let first = next.text.chars().next().unwrap_or(' ');
    let ems = if wrap::is_wide(first) {
        2.0
    } else {
        let word = next.text.split(' ').next().unwrap_or("");
        0.55 * word.chars().take_while(|&ch| !wrap::is_wide(ch)).count() as f32 + 0.6
    };
    room > ems * last.size
}

/// Its start is moved in where the paragraph's own second and later lines are not.
fn is_indented(open: &Open, line: &Line) -> bool {
    let moved = line.rect.0[0] - open.left;
    open.block.lines.len() > 1 && moved > 0.9 * line.size && moved < 6.0 * line.size
}

/// It ends where its column ends. A narrow column is only a few words, which tell nothing.
fn is_full(line: &Line) -> bool {
    let [left, right] = line.column;
    right - line.rect.0[2] < 2.0 * line.size && right - left > 15.0 * line.size
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['”', '"', '’', '）', ')', ' '])
        .ends_with(['.', '。', '!', '！', '?', '？', ':', '：', ';', '；'])
}

/// It stands further in than its column begins, as a new paragraph's first line does.
fn starts_apart(line: &Line) -> bool {
    line.rect.0[0] - line.column[0] > 0.9 * line.size
}
