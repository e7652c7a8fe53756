//! Word: headings by style or outline level, numbered paragraphs, tables, text boxes, notes.
//!
//! It does not lay out: there are no pages.

use super::numbering::Numbering;
use super::styles::Styles;
use super::{TABLE_BYTES, title};
use crate::archive::Archive;
use crate::fault::unreadable;
use crate::parsed::{BlockKind, Parsed};
use crate::table::{Row, table_blocks};
use crate::tools::Bounds;
use crate::xml::{Element, Node, walk};
use yizhan_domain::Result;

/// The blocks of a Word document.
pub(crate) fn parse(bytes: &[u8], bounds: &Bounds) -> Result<Parsed> {
    let mut archive = Archive::open(bytes, bounds)?;
    let names = archive.names();
    let main = names.iter().find(|name| name.starts_with("word/document") && name.ends_with(".xml"));
    let main = main.ok_or_else(|| unreadable("the file is damaged: its main part is missing."))?;
    let styles = Styles::read(&mut archive)?;
    let numbering = Numbering::read(&mut archive)?;
    let mut reader = Reader { styles, numbering, ..Reader::default() };
    reader.parsed.title = title(&mut archive)?;
    reader.part(&mut archive, main, None)?;
    for (part, kind) in [("footnotes", BlockKind::Note), ("endnotes", BlockKind::Note), ("comments", BlockKind::Note)] {
        reader.part(&mut archive, &format!("word/{part}.xml"), Some(kind))?;
    }
    for name in names.iter().filter(|name| name.starts_with("word/header") || name.starts_with("word/footer")) {
        reader.part(&mut archive, name, Some(BlockKind::Margin))?;
    }
    reader.drop_repeated_margins();
    Ok(reader.parsed)
}

#[derive(Default)]
struct Reader {
    parsed: Parsed,
    styles: Styles,
    numbering: Numbering,
    /// Open paragraphs: one may hold a text box with others.
    paragraphs: Vec<Paragraph>,
    /// Open tables, the outermost first.
    tables: Vec<Table>,
    /// What all paragraphs of a part are, where it is not the main one.
    kind: Option<BlockKind>,
    /// The label of the footnote being read.
    label: Option<String>,
    /// Open elements whose text is not shown.
    hidden: usize,
    in_text: bool,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    outline: Option<i64>,
    list: Option<(i64, i64)>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    cell: Option<String>,
    span: usize,
}

impl Reader {
    fn part(&mut self, archive: &mut Archive<'_>, name: &str, kind: Option<BlockKind>) -> Result<()> {
        let Some(xml) = archive.text(name)? else { return Ok(()) };
        self.kind = kind;
        (self.hidden, self.in_text) = (0, false);
        walk(name, &xml, |node| match node {
            Node::Open(element) => self.open(&element),
            Node::Close(name) => self.close(name),
            Node::Text(text) => {
                if let (true, 0, Some(paragraph)) = (self.in_text, self.hidden, self.paragraphs.last_mut()) {
                    paragraph.text.push_str(text);
                }
            }
        })
    }

    fn open(&mut self, element: &Element<'_>) {
        // The fallback repeats what the choice before it says.
        if self.hidden > 0 || element.name == "Fallback" {
            self.hidden += 1;
            return;
        }
        match element.name {
            "p" => self.paragraphs.push(Paragraph::default()),
            "t" => self.in_text = true,
            "tbl" => self.tables.push(Table::default()),
            "tr" => self.tables.iter_mut().last().into_iter().for_each(|table| table.rows.push(Vec::new())),
            "tc" => {
                if let Some(table) = self.tables.last_mut() {
                    (table.cell, table.span) = (Some(String::new()), 1);
                }
            }
            "gridSpan" => {
                if let (Some(table), Some(span)) = (self.tables.last_mut(), element.number("val")) {
                    table.span = span.clamp(1, 100) as usize;
                }
            }
            "footnote" | "endnote" | "comment" => self.label = element.attribute("id"),
            _ => self.open_in_paragraph(element),
        }
    }

    fn open_in_paragraph(&mut self, element: &Element<'_>) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        match element.name {
            "pStyle" => paragraph.style = element.attribute("val"),
            "outlineLvl" => paragraph.outline = element.number("val"),
            "numId" => paragraph.list.get_or_insert((0, 0)).0 = element.number("val").unwrap_or(0),
            "ilvl" => paragraph.list.get_or_insert((0, 0)).1 = element.number("val").unwrap_or(0),
            "tab" if element.attribute("pos").is_none() => paragraph.text.push('\t'),
            "br" | "cr" => paragraph.text.push('\n'),
            "noBreakHyphen" => paragraph.text.push('-'),
            "sym" => {
                let code = element.attribute("char").and_then(|code| u32::from_str_radix(&code, 16).ok());
                paragraph.text.extend(code.and_then(char::from_u32));
            }
            "footnoteReference" | "endnoteReference" | "commentReference" => {
                if let Some(id) = element.attribute("id") {
                    paragraph.text.push_str(&format!("[{id}]"));
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if self.hidden > 0 {
            self.hidden -= 1;
            return;
        }
        match name {
            "t" => self.in_text = false,
            "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.emit(paragraph);
                }
            }
            "tc" => {
                if let Some(table) = self.tables.last_mut()
                    && let (Some(cell), Some(row)) = (table.cell.take(), table.rows.last_mut())
                {
                    row.push(cell);
                    row.extend(std::iter::repeat_n(String::new(), table.span - 1));
                }
            }
            "tbl" => self.end_table(),
            "footnote" | "endnote" | "comment" => self.label = None,
            _ => {}
        }
    }

    fn emit(&mut self, paragraph: Paragraph) {
        let text = paragraph.text.trim();
        if text.is_empty() {
            return;
        }
        if let Some(cell) = self.tables.last_mut().and_then(|table| table.cell.as_mut()) {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(text);
            return;
        }
        if let Some(kind) = self.kind.clone() {
            let label = self.label.as_ref().map(|label| format!("[{label}] ")).unwrap_or_default();
            return self.parsed.push(kind, format!("{label}{text}"), None);
        }
        let style = paragraph.style.as_deref().unwrap_or_default();
        let outline = paragraph.outline.filter(|level| (0..9).contains(level)).map(|level| level as u8 + 1);
        let heading = outline.or_else(|| self.styles.heading(style));
        let list = paragraph.list.or_else(|| self.styles.list(style)).filter(|(list, _)| *list > 0);
        let marker = list.map(|(list, level)| self.numbering.next(list, level)).filter(|marker| !marker.is_empty());
        let marked = |text: &str| marker.as_ref().map_or(text.to_owned(), |marker| format!("{marker} {text}"));
        if self.styles.is_title(style) && self.parsed.title.is_none() {
            self.parsed.title = Some(text.to_owned());
        }
        match (heading, list) {
            (Some(level), _) => {
                let bare = marker.as_deref() == Some("-");
                self.parsed.push(
                    BlockKind::Heading { level: level.min(6) },
                    if bare { text.to_owned() } else { marked(text) },
                    None,
                );
            }
            (None, Some((_, level))) => {
                let level = u8::try_from(level.saturating_add(1)).unwrap_or(1).max(1);
                self.parsed.push(BlockKind::ListItem { level }, marked(text), None);
            }
            (None, None) if self.styles.is_caption(style) => self.parsed.push(BlockKind::Caption, text, None),
            (None, None) => self.parsed.push(BlockKind::Paragraph, text, None),
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        if let Some(cell) = self.tables.last_mut().and_then(|outer| outer.cell.as_mut()) {
            let rows: Vec<String> = table.rows.iter().map(|row| row.join(" ")).collect();
            cell.push_str(&rows.join("; "));
            return;
        }
        let mut rows = table.rows.into_iter().map(|cells| Row::plain(cells, None));
        if let Some(header) = rows.next() {
            self.parsed.blocks.extend(table_blocks(header, rows.collect(), TABLE_BYTES));
        }
    }

    /// Sections repeat their headers and footers; once is enough.
    fn drop_repeated_margins(&mut self) {
        let mut seen = std::collections::HashSet::new();
        self.parsed.blocks.retain(|block| block.kind != BlockKind::Margin || seen.insert(block.text.clone()));
    }
}
