//! PowerPoint: slides in order, titles as headings, lists, tables and the speaker's notes.
//!
//! It does not know pictures or positions; a slide is a page.

use super::{TABLE_BYTES, relations, title};
use crate::archive::Archive;
use crate::fault::unreadable;
use crate::parsed::{Block, BlockKind, Parsed};
use crate::table::{Row, table_blocks};
use crate::tools::Bounds;
use crate::xml::{Element, Node, walk};
use yizhan_domain::Result;

const MAIN: &str = "ppt/presentation.xml";

/// The blocks of a presentation.
pub(crate) fn parse(bytes: &[u8], bounds: &Bounds) -> Result<Parsed> {
    let mut archive = Archive::open(bytes, bounds)?;
    let slides = slides(&mut archive)?;
    let count = u32::try_from(slides.len()).unwrap_or(u32::MAX);
    if count > bounds.pages {
        return Err(unreadable(format!("it has {count} slides; the limit is {}. Split it.", bounds.pages)));
    }
    let mut parsed = Parsed { title: title(&mut archive)?, pages: Some(count), ..Parsed::default() };
    for (number, slide) in (1..).zip(&slides) {
        let Some(xml) = archive.text(slide)? else {
            parsed.warnings.push(format!("slide {number} is missing"));
            continue;
        };
        let mut walker = Slide::new(number, false);
        walk(slide, &xml, |node| walker.node(node))?;
        parsed.blocks.extend(walker.finish());
        let notes = relations(&mut archive, slide)?.into_iter().find(|(_, _, kind)| kind.ends_with("/notesSlide"));
        if let Some((_, notes, _)) = notes
            && let Some(xml) = archive.text(&notes)?
        {
            let mut walker = Slide::new(number, true);
            walk(&notes, &xml, |node| walker.node(node))?;
            parsed.blocks.extend(walker.finish());
        }
    }
    Ok(parsed)
}

/// The slides' parts in the order in which they are shown.
fn slides(archive: &mut Archive<'_>) -> Result<Vec<String>> {
    let xml = archive.text(MAIN)?.ok_or_else(|| unreadable("the file is damaged: its main part is missing."))?;
    let relations = relations(archive, MAIN)?;
    let mut slides = Vec::new();
    walk(MAIN, &xml, |node| {
        if let Node::Open(element) = node
            && element.name == "sldId"
        {
            // `id` is the slide's number, `r:id` its relation; both end with `id`.
            let target = relations.iter().find(|(id, ..)| element.has_value(id));
            slides.extend(target.map(|(_, target, _)| target.clone()));
        }
    })?;
    Ok(slides)
}

struct Slide {
    page: u32,
    notes: bool,
    /// The title's blocks, which come first wherever they stand.
    titles: Vec<Block>,
    blocks: Parsed,
    /// The placeholder that the open shape fills: `title`, `body`, `sldNum`…
    placeholder: Option<String>,
    text: String,
    level: i64,
    bulleted: bool,
    in_text: bool,
    rows: Option<Vec<Vec<String>>>,
    cell: Option<String>,
}

impl Slide {
    fn new(page: u32, notes: bool) -> Self {
        Self {
            page,
            notes,
            titles: Vec::new(),
            blocks: Parsed::default(),
            placeholder: None,
            text: String::new(),
            level: 0,
            bulleted: false,
            in_text: false,
            rows: None,
            cell: None,
        }
    }

    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Open(element) => self.open(&element),
            Node::Close(name) => self.close(name),
            Node::Text(text) if self.in_text => self.text.push_str(text),
            Node::Text(_) => {}
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        match element.name {
            "sp" | "graphicFrame" | "pic" | "cxnSp" => self.placeholder = None,
            "ph" => self.placeholder = Some(element.attribute("type").unwrap_or_else(|| "body".into())),
            "p" => {
                self.text.clear();
                self.level = 0;
                self.bulleted = self.placeholder.as_deref() == Some("body");
            }
            "pPr" => self.level = element.number("lvl").unwrap_or(0),
            "buNone" => self.bulleted = false,
            "buChar" | "buAutoNum" => self.bulleted = true,
            "t" => self.in_text = true,
            "br" => self.text.push('\n'),
            "tbl" => self.rows = Some(Vec::new()),
            "tr" => self.rows.iter_mut().for_each(|rows| rows.push(Vec::new())),
            "tc" => self.cell = Some(String::new()),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => self.paragraph(),
            "tc" => {
                let cell = self.cell.take().unwrap_or_default();
                if let Some(row) = self.rows.as_mut().and_then(|rows| rows.last_mut()) {
                    row.push(cell);
                }
            }
            "tbl" => {
                let mut rows =
                    self.rows.take().unwrap_or_default().into_iter().map(|cells| Row::plain(cells, Some(self.page)));
                if let Some(header) = rows.next() {
                    self.blocks.blocks.extend(table_blocks(header, rows.collect(), TABLE_BYTES));
                }
            }
            _ => {}
        }
    }

    fn paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        if let Some(cell) = &mut self.cell {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(text.trim());
            return;
        }
        let page = Some(self.page);
        match self.placeholder.as_deref() {
            Some("sldNum" | "sldImg") => {}
            Some("dt" | "ftr" | "hdr") => self.blocks.push(BlockKind::Margin, text, page),
            _ if self.notes => self.blocks.push(BlockKind::Note, text, page),
            Some("title" | "ctrTitle") => {
                let mut title = Parsed::default();
                title.push(BlockKind::Heading { level: 1 }, text.replace('\n', " "), page);
                self.titles.append(&mut title.blocks);
            }
            Some("subTitle") => self.blocks.push(BlockKind::Paragraph, text, page),
            _ if self.bulleted && !text.trim().is_empty() => {
                let level = u8::try_from(self.level.saturating_add(1)).unwrap_or(1).max(1);
                self.blocks.push(BlockKind::ListItem { level }, format!("- {}", text.trim()), page);
            }
            _ => self.blocks.push(BlockKind::Paragraph, text, page),
        }
    }

    fn finish(mut self) -> Vec<Block> {
        self.titles.append(&mut self.blocks.blocks);
        self.titles
    }
}
