//! HTML: the main content's headings, paragraphs, lists, tables and code.
//!
//! It does not run scripts, load anything or know styles.

use crate::parsed::{BlockKind, Parsed};
use crate::table::{Row, table_blocks};
use encoding_rs::Encoding;
use scraper::{ElementRef, Html, Node, Selector};

/// Rows of one table go into blocks of about this many bytes.
const TABLE_BYTES: usize = 8 << 10;
/// Never text, or text that is not the page's.
const SKIPPED: [&str; 15] = [
    "script", "style", "noscript", "template", "svg", "iframe", "object", "nav", "aside", "button", "select", "head",
    "datalist", "canvas", "dialog",
];
/// Elements that end the paragraph before them.
const BLOCKS: [&str; 27] = [
    "address",
    "article",
    "blockquote",
    "body",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "header",
    "hr",
    "html",
    "main",
    "ol",
    "p",
    "section",
    "summary",
    "ul",
    "caption",
    "figcaption",
    "legend",
    "center",
    "label",
];

/// The encoding that the page's own `meta` names.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let label: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|ch| ch.is_ascii_alphanumeric() || "-_".contains(*ch))
        .collect();
    Encoding::for_label(label.as_bytes())
}

/// The blocks of a page.
pub(crate) fn parse(text: &str) -> Parsed {
    let page = Html::parse_document(text);
    let title = select(&page, "title").next().map(|title| squeeze(&title.text().collect::<String>()));
    let title = title.filter(|title| !title.is_empty());
    let root = main_content(&page);
    let mut parsed = Walk::run(root, true);
    if parsed.blocks.is_empty() {
        parsed = Walk::run(page.root_element(), false);
    }
    parsed.title = title;
    parsed
}

fn select<'a>(page: &'a Html, name: &str) -> impl Iterator<Item = ElementRef<'a>> {
    let selector = Selector::parse(name).ok();
    let found: Vec<ElementRef<'a>> = selector.iter().flat_map(|selector| page.select(selector)).collect();
    found.into_iter()
}

/// `main`, or the only `article`, where it holds most of the page; otherwise everything.
fn main_content(page: &Html) -> ElementRef<'_> {
    let length = |element: ElementRef<'_>| Walk::run(element, true).text_bytes();
    let root = page.root_element();
    let mut candidates: Vec<ElementRef<'_>> = select(page, "main").collect();
    if candidates.is_empty() {
        candidates = select(page, "article").collect();
    }
    match candidates.as_slice() {
        [one] if length(*one) * 2 >= length(root) => *one,
        _ => root,
    }
}

#[derive(Default)]
struct Walk {
    parsed: Parsed,
    text: String,
    kind: Option<BlockKind>,
    /// For each open list the next number, if it is numbered.
    lists: Vec<Option<u64>>,
    tables: Vec<Table>,
    preformatted: usize,
    skipped: usize,
    strict: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    /// For the columns, how many further rows the cell above reaches into.
    reaching: Vec<usize>,
    in_cell: bool,
    columns: usize,
}

impl Walk {
    /// Walks an element; a strict walk leaves navigation and hidden parts out.
    fn run(root: ElementRef<'_>, strict: bool) -> Parsed {
        let mut walk = Walk { strict, ..Self::default() };
        let mut node = *root;
        'walk: loop {
            match node.value() {
                Node::Text(text) => walk.text(text),
                Node::Element(element) => walk.open(element),
                _ => {}
            }
            if let Some(child) = node.first_child() {
                node = child;
                continue;
            }
            // No recursion: pages nest as deep as they like.
            loop {
                if let Node::Element(element) = node.value() {
                    walk.close(element);
                }
                if node.id() == root.id() {
                    break 'walk;
                }
                match (node.next_sibling(), node.parent()) {
                    (Some(next), _) => {
                        node = next;
                        break;
                    }
                    (None, Some(parent)) => node = parent,
                    (None, None) => break 'walk,
                }
            }
        }
        walk.flush();
        walk.parsed
    }

    fn is_skipped(&self, element: &scraper::node::Element) -> bool {
        let name = element.name();
        let hidden = element.attr("hidden").is_some() || element.attr("aria-hidden") == Some("true");
        let always = matches!(name, "script" | "style" | "template" | "head" | "noscript" | "svg");
        always || (self.strict && (hidden || SKIPPED.contains(&name) || element.attr("role") == Some("navigation")))
    }

    fn open(&mut self, element: &scraper::node::Element) {
        if self.skipped > 0 || self.is_skipped(element) {
            self.skipped += 1;
            return;
        }
        let name = element.name();
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes().get(1).map_or(1, |digit| digit - b'0');
                self.begin(BlockKind::Heading { level });
            }
            "pre" => {
                self.preformatted += 1;
                self.begin(BlockKind::Code { language: language(element) });
            }
            "code" if self.preformatted > 0 => {
                if let Some(BlockKind::Code { language: slot @ None }) = &mut self.kind {
                    *slot = language(element);
                }
            }
            "br" => self.text.push('\n'),
            "ul" | "ol" | "menu" => {
                self.end_block();
                let first = element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
                self.lists.push((name == "ol").then_some(first));
            }
            "li" => self.item(),
            "table" => {
                self.end_block();
                self.tables.push(Table::default());
            }
            "tr" => self.tables.iter_mut().last().into_iter().for_each(Table::row),
            "td" | "th" => self.cell(element),
            "caption" | "figcaption" => self.begin(BlockKind::Caption),
            "img" => self.image(element),
            _ if BLOCKS.contains(&name) => self.end_block(),
            _ => {}
        }
    }

    fn close(&mut self, element: &scraper::node::Element) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match element.name() {
            "pre" => {
                self.end_block();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            "ul" | "ol" | "menu" => {
                self.end_block();
                self.lists.pop();
            }
            "td" | "th" => {
                if let Some(table) = self.tables.last_mut() {
                    table.in_cell = false;
                    let cell = std::mem::take(&mut self.text);
                    table.fill(&cell);
                    self.kind = None;
                }
            }
            "table" => self.end_table(),
            name if BLOCKS.contains(&name) || name.starts_with('h') || name == "li" => self.end_block(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped > 0 {
            return;
        }
        if self.preformatted > 0 {
            self.text.push_str(text);
            return;
        }
        for ch in text.chars() {
            let ch = if ch.is_whitespace() { ' ' } else { ch };
            if ch != ' ' || !self.text.ends_with([' ', '\n']) && !self.text.is_empty() {
                self.text.push(ch);
            }
        }
    }

    fn item(&mut self) {
        let level = u8::try_from(self.lists.len().max(1)).unwrap_or(u8::MAX);
        self.begin(BlockKind::ListItem { level });
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.text.push_str(&format!("{number}. "));
                *number = number.saturating_add(1);
            }
            _ => self.text.push_str("- "),
        }
    }

    /// A picture's words stand for it.
    fn image(&mut self, element: &scraper::node::Element) {
        if let Some(words) = element.attr("alt").filter(|words| words.trim().chars().count() > 3) {
            self.text(&format!(" [{}] ", words.trim()));
        }
    }

    fn cell(&mut self, element: &scraper::node::Element) {
        let span = |name| element.attr(name).and_then(|span| span.parse().ok()).unwrap_or(1usize).clamp(1, 100);
        let (columns, rows) = (span("colspan"), span("rowspan"));
        self.text.clear();
        if let Some(table) = self.tables.last_mut() {
            table.cell(columns, rows);
        }
    }

    fn in_cell(&self) -> bool {
        self.tables.last().is_some_and(|table| table.in_cell)
    }

    fn begin(&mut self, kind: BlockKind) {
        self.end_block();
        if !self.in_cell() {
            self.kind = Some(kind);
        }
    }

    /// Within a cell blocks are only parted by a space.
    fn end_block(&mut self) {
        if self.in_cell() {
            self.text.push(' ');
        } else {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let kind = self.kind.take().unwrap_or(BlockKind::Paragraph);
        let bare = text.trim();
        if matches!(kind, BlockKind::ListItem { .. }) && (bare == "-" || bare.ends_with('.') && bare.len() < 5) {
            // The item's text comes in a block of its own.
            self.kind = Some(kind);
            self.text = format!("{bare} ");
        } else if matches!(kind, BlockKind::Code { .. }) {
            self.parsed.push(kind, text, None);
        } else {
            let lines: Vec<&str> = text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect();
            self.parsed.push(kind, lines.join("\n"), None);
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        if self.in_cell() {
            // A table within a table's cell: its rows become the cell's text.
            let rows: Vec<String> = table.rows.iter().map(|row| row.join(" ")).collect();
            self.text.push_str(&rows.join("; "));
            return;
        }
        self.flush();
        let mut rows = table.rows.into_iter().filter(|row| !row.is_empty());
        let Some(header) = rows.next() else { return };
        let rows: Vec<Row> = rows.map(|cells| Row::plain(cells, None)).collect();
        if header.len() == 1 && rows.iter().all(|row| row.cells.len() == 1) {
            // One column only lays the page out.
            let cells = std::iter::once(header).chain(rows.into_iter().map(|row| row.cells)).flatten();
            cells.for_each(|cell| self.parsed.push(BlockKind::Paragraph, cell, None));
        } else {
            self.parsed.blocks.extend(table_blocks(Row::plain(header, None), rows, TABLE_BYTES));
        }
    }
}

impl Table {
    fn row(&mut self) {
        self.rows.push(Vec::new());
        self.skip_reached();
    }

    /// Cells that reach down from above take their places, blank.
    fn skip_reached(&mut self) {
        let Some(row) = self.rows.last_mut() else { return };
        while let Some(reach) = self.reaching.get_mut(row.len()).filter(|reach| **reach > 0) {
            *reach -= 1;
            row.push(String::new());
        }
    }

    fn cell(&mut self, columns: usize, rows: usize) {
        if self.rows.is_empty() {
            self.row();
        }
        self.skip_reached();
        self.in_cell = true;
        self.columns = columns;
        if let Some(row) = self.rows.last_mut() {
            let at = row.len();
            if self.reaching.len() < at + columns {
                self.reaching.resize(at + columns, 0);
            }
            self.reaching[at..at + columns].fill(rows - 1);
        }
    }

    fn fill(&mut self, cell: &str) {
        if let Some(row) = self.rows.last_mut() {
            row.push(squeeze(cell));
            row.extend(std::iter::repeat_n(String::new(), self.columns.saturating_sub(1)));
        }
    }
}

fn language(element: &scraper::node::Element) -> Option<String> {
    let classes = element.attr("class")?.split_whitespace();
    classes
        .filter_map(|class| class.strip_prefix("language-").or_else(|| class.strip_prefix("lang-")))
        .next()
        .map(str::to_owned)
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
