//! Where text stands in a document.
//!
//! It does not know document formats; all of them reduce to pages and boxes.

use serde::{Deserialize, Serialize};

/// A rectangle `[x0, y0, x1, y1]` on a page: PDF points (1/72 inch), origin top left, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rect(pub [f32; 4]);

impl Rect {
    /// The smallest rectangle that holds both.
    pub fn union(self, other: Rect) -> Rect {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Rect([a.min(e), b.min(f), c.max(g), d.max(h)])
    }

    /// Height in points.
    pub fn height(self) -> f32 {
        self.0[3] - self.0[1]
    }

    /// Width in points.
    pub fn width(self) -> f32 {
        self.0[2] - self.0[0]
    }
}

/// The place of a piece of text: its first page and its boxes there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Page, slide or sheet, from 1; none where the format has none.
    pub page: Option<u32>,
    /// One box a line, on that page; empty where the format has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<Rect>,
}

/// One line of a longer text: which bytes of it, and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineSpan {
    /// First byte in the text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Page, slide or sheet, from 1; none where the format has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Its box on the page; none where the format has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rect: Option<Rect>,
}

impl Place {
    /// The place of a text made of these lines: the first line's page, and every box on it.
    pub fn of_lines(lines: &[LineSpan]) -> Place {
        let page = lines.first().and_then(|line| line.page);
        let boxes = lines.iter().filter(|line| line.page == page).filter_map(|line| line.rect).collect();
        Place { page, boxes }
    }
}
