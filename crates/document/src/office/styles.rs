//! Word's paragraph styles: which of them are headings, and which carry a list.
//!
//! It does not know fonts or colours.

use crate::archive::Archive;
use crate::xml::{Node, walk};
use std::collections::HashMap;
use yizhan_domain::Result;

/// Styles based on styles based on styles.
const DEEPEST: usize = 16;

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<i64>,
    list: Option<(i64, i64)>,
}

/// The paragraph styles of a document, by id.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    /// Reads `word/styles.xml`.
    pub(super) fn read(archive: &mut Archive<'_>) -> Result<Self> {
        let Some(xml) = archive.text("word/styles.xml")? else { return Ok(Self::default()) };
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        walk("word/styles.xml", &xml, |node| match node {
            Node::Open(element) => match (element.name, &mut open) {
                ("style", _) => open = element.attribute("styleId").map(|id| (id, Style::default())),
                ("name", Some((_, style))) => style.name = element.attribute("val").unwrap_or_default().to_lowercase(),
                ("basedOn", Some((_, style))) => style.based_on = element.attribute("val"),
                ("outlineLvl", Some((_, style))) => style.outline = element.number("val"),
                ("numId", Some((_, style))) => {
                    style.list.get_or_insert((0, 0)).0 = element.number("val").unwrap_or(0);
                }
                ("ilvl", Some((_, style))) => {
                    style.list.get_or_insert((0, 0)).1 = element.number("val").unwrap_or(0);
                }
                _ => {}
            },
            Node::Close("style") => styles.extend(open.take()),
            _ => {}
        })?;
        Ok(Self(styles))
    }

    /// The heading level of a style, from 1.
    pub(super) fn heading(&self, id: &str) -> Option<u8> {
        self.chain(id).find_map(|style| {
            let named =
                ["heading ", "标题 ", "標題 "].iter().find_map(|word| style.name.strip_prefix(word)?.parse().ok());
            let outline = || style.outline.filter(|level| (0..9).contains(level)).map(|level| level as u8 + 1);
            named
                .filter(|level| (1..=9).contains(level))
                .or_else(outline)
                .or_else(|| (style.name == "title").then_some(1))
        })
    }

    /// Whether the style is the document's title.
    pub(super) fn is_title(&self, id: &str) -> bool {
        self.0.get(id).is_some_and(|style| style.name == "title")
    }

    /// Whether it is a caption's.
    pub(super) fn is_caption(&self, id: &str) -> bool {
        self.0.get(id).is_some_and(|style| style.name == "caption" || style.name == "题注")
    }

    /// List and level that the style brings along.
    pub(super) fn list(&self, id: &str) -> Option<(i64, i64)> {
        self.chain(id).find_map(|style| style.list)
    }

    fn chain<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Style> {
        let first = self.0.get(id);
        std::iter::successors(first, |style| self.0.get(style.based_on.as_deref()?)).take(DEEPEST)
    }
}
