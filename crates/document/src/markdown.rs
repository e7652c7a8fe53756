//! Markdown: headings, paragraphs, lists, tables, code and front matter.
//!
//! It does not know HTML: raw tags are dropped, their text kept.

use crate::parsed::{BlockKind, Parsed};
use crate::table::{Row, table_blocks};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Rows of one table go into blocks of about this many bytes.
const TABLE_BYTES: usize = 8 << 10;

/// The blocks of a Markdown text.
pub(crate) fn parse(text: &str) -> Parsed {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut walk = Walk::default();
    for event in Parser::new_ext(text, options) {
        walk.event(event);
    }
    walk.flush();
    walk.parsed
}

#[derive(Default)]
struct Walk {
    parsed: Parsed,
    text: String,
    kind: Option<BlockKind>,
    /// For each open list the next number, if it is numbered.
    lists: Vec<Option<u64>>,
    in_note: bool,
    rows: Vec<Vec<String>>,
}

impl Walk {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text.push_str(&text);
            }
            Event::Html(html) => push_without_tags(&mut self.text, &html),
            Event::InlineHtml(html) if html.starts_with("<br") => self.text.push('\n'),
            Event::InlineHtml(_) | Event::Rule => {}
            Event::FootnoteReference(label) => self.text.push_str(&format!("[{label}]")),
            Event::SoftBreak | Event::HardBreak => self.text.push('\n'),
            Event::TaskListMarker(done) => self.text.push_str(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => self.open(BlockKind::Heading { level: level as u8 }),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().map(str::to_owned),
                    CodeBlockKind::Indented => None,
                };
                self.open(BlockKind::Code { language: language.filter(|name| !name.is_empty()) });
            }
            Tag::Item => {
                let level = u8::try_from(self.lists.len()).unwrap_or(u8::MAX);
                self.open(BlockKind::ListItem { level });
                if let Some(Some(number)) = self.lists.last_mut() {
                    self.text.push_str(&format!("{number}. "));
                    *number += 1;
                } else {
                    self.text.push_str("- ");
                }
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::FootnoteDefinition(label) => {
                self.flush();
                self.in_note = true;
                self.open(BlockKind::Note);
                self.text.push_str(&format!("[{label}] "));
            }
            // The first paragraph of an item belongs to its marker.
            Tag::Paragraph if self.kind.is_some() => {}
            Tag::Paragraph => self.open(if self.in_note { BlockKind::Note } else { BlockKind::Paragraph }),
            Tag::Table(_) => {
                self.flush();
                self.rows.clear();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::TableCell => self.text.clear(),
            Tag::MetadataBlock(_) => {
                self.open(BlockKind::Paragraph);
            }
            Tag::HtmlBlock => {
                self.open(BlockKind::Paragraph);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                if self.parsed.title.is_none() && self.kind == Some(BlockKind::Heading { level: 1 }) {
                    self.parsed.title = Some(self.text.trim().to_owned());
                }
                self.flush();
            }
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::Item => self.flush(),
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::FootnoteDefinition => {
                self.flush();
                self.in_note = false;
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let mut rows = std::mem::take(&mut self.rows).into_iter().map(|cells| Row::plain(cells, None));
                if let Some(header) = rows.next() {
                    self.parsed.blocks.extend(table_blocks(header, rows.collect(), TABLE_BYTES));
                }
            }
            TagEnd::MetadataBlock(_) => {
                let title = self.text.lines().find_map(|line| line.strip_prefix("title:"));
                self.parsed.title = title.map(|title| title.trim().trim_matches(['"', '\'']).to_owned());
                self.flush();
            }
            TagEnd::HtmlBlock => {
                self.flush();
            }
            _ => {}
        }
    }

    fn open(&mut self, kind: BlockKind) {
        self.flush();
        self.kind = Some(kind);
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        match self.kind.take() {
            // An item that holds only another list.
            Some(BlockKind::ListItem { .. }) if text.trim() == "-" => {}
            Some(kind) => self.parsed.push(kind, text, None),
            None => {
                let level = u8::try_from(self.lists.len()).unwrap_or(u8::MAX);
                let kind = if level > 0 { BlockKind::ListItem { level } } else { BlockKind::Paragraph };
                self.parsed.push(kind, text, None);
            }
        }
    }
}

fn push_without_tags(out: &mut String, html: &str) {
    let mut inside = false;
    for ch in html.chars() {
        match ch {
            '<' => inside = true,
            '>' if inside => inside = false,
            ch if !inside => out.push(ch),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
