//! XML as a flat walk: opening, text, closing. Entities are never expanded, so none can explode.
//!
//! It does not know any vocabulary. Names come without their namespace prefix.

use crate::fault::{damaged, unreadable};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use yizhan_domain::Result;

/// Elements within elements within elements: no office document comes near.
const DEEPEST: usize = 1000;

/// What a walk meets.
pub(crate) enum Node<'a> {
    /// An element begins.
    Open(Element<'a>),
    /// An element of this name ends; also after an empty one.
    Close(&'a str),
    /// Text, references resolved.
    Text(&'a str),
}

/// An element's name and attributes.
pub(crate) struct Element<'a> {
    start: &'a BytesStart<'a>,
    /// The name without its prefix.
    pub(crate) name: &'a str,
}

impl Element<'_> {
    /// An attribute by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.start.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    }

    /// Whether any attribute has this value.
    pub(crate) fn has_value(&self, value: &str) -> bool {
        self.start.attributes().flatten().any(|attribute| attribute.value == value)
    }

    /// `w:val`-like attribute as a number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.parse().ok()
    }
}

/// Walks a whole part; `what` names it in errors.
pub(crate) fn walk(what: &str, xml: &str, mut visit: impl FnMut(Node<'_>)) -> Result<()> {
    let mut reader = Reader::from_str(xml);
    let mut depth = 0usize;
    loop {
        match reader.read_event().map_err(|error| damaged(what, error))? {
            Event::Start(start) => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(unreadable(format!("{what} nests its elements more than {DEEPEST} deep.")));
                }
                let name = start.local_name();
                visit(Node::Open(Element { start: &start, name: name.as_ref() }));
            }
            Event::Empty(start) => {
                let name = start.local_name();
                visit(Node::Open(Element { start: &start, name: name.as_ref() }));
                visit(Node::Close(name.as_ref()));
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visit(Node::Close(end.local_name().as_ref()));
            }
            Event::Text(text) => visit(Node::Text(&text)),
            Event::CData(text) => visit(Node::Text(&text)),
            Event::GeneralRef(reference) => {
                let ch = match &*reference {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                if let Some(ch) = ch.filter(|ch| !ch.is_control()) {
                    visit(Node::Text(ch.encode_utf8(&mut [0; 4])));
                }
            }
            Event::Eof if depth > 0 => return Err(damaged(what, "it ends in the middle")),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}
