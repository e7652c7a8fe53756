//! Characters to runs: pieces of a line without a gap in them.
//!
//! It does not know columns or paragraphs.

use super::glyph::{Glyph, Styles};
use yizhan_domain::Rect;

/// A gap of more than this many times the size parts two runs of a line.
const GAP: f32 = 1.5;
/// A baseline further away than this many times the size is another line; less is a super- or subscript.
const SHIFT: f32 = 0.6;

/// A piece of a line.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) text: String,
    pub(crate) rect: Rect,
    pub(crate) base: f32,
    /// The size of most of its characters.
    pub(crate) size: f32,
    /// Most of its characters are bold.
    pub(crate) bold: bool,
    /// Nearly all of its characters are monospaced; prose only has words of them.
    pub(crate) mono: bool,
    /// Characters other than spaces.
    pub(crate) count: u32,
    /// Quarter turns clockwise; none when aslant.
    pub(crate) direction: Option<u8>,
    /// Its place in the content's own order.
    pub(crate) order: usize,
    /// The table cell that it lies in, if any.
    pub(crate) zone: Option<u32>,
}

/// The runs of a page, in content order. `zone` tells a character's table cell.
pub(super) fn runs(glyphs: &[Glyph], styles: &Styles, zone: impl Fn(&Glyph) -> Option<u32>) -> Vec<Run> {
    let mut builder = Builder { styles, runs: Vec::new(), open: None };
    let (mut space, mut line_end) = (false, false);
    for glyph in glyphs {
        match glyph.ch {
            '\r' | '\n' => {
                line_end = true;
                continue;
            }
            ch if ch.is_whitespace() || (glyph.generated && ch != '-') => {
                space = true;
                continue;
            }
            _ => {}
        }
        builder.add(glyph, zone(glyph), space, line_end);
        (space, line_end) = (false, false);
    }
    builder.close();
    builder.runs
}

struct Builder<'a> {
    styles: &'a Styles,
    runs: Vec<Run>,
    open: Option<Open>,
}

/// A run that may still grow, with what decides its traits.
struct Open {
    run: Run,
    last: Glyph,
    bold: u32,
    mono: u32,
    /// Characters of the leading size, by Boyer and Moore's majority vote.
    votes: i32,
}

impl Builder<'_> {
    fn add(&mut self, glyph: &Glyph, zone: Option<u32>, space: bool, line_end: bool) {
        let style = self.styles.get(glyph.style);
        if self.open.as_ref().is_some_and(|open| open.ends_before(glyph, style.size, zone, line_end)) {
            self.close();
        }
        let order = self.runs.len();
        let open = self.open.get_or_insert_with(|| Open {
            run: Run {
                text: String::new(),
                rect: glyph.rect,
                base: glyph.base,
                size: style.size,
                bold: false,
                mono: false,
                count: 0,
                direction: glyph.direction,
                order,
                zone,
            },
            last: *glyph,
            bold: 0,
            mono: 0,
            votes: 0,
        });
        if space && !open.run.text.is_empty() {
            open.run.text.push(' ');
        }
        push_clean(&mut open.run.text, glyph.ch);
        open.run.rect = open.run.rect.union(glyph.rect);
        open.run.count += 1;
        open.bold += u32::from(style.bold);
        open.mono += u32::from(style.mono);
        if open.votes <= 0 {
            (open.run.size, open.run.base) = (style.size, glyph.base);
        }
        open.votes += if open.run.size == style.size { 1 } else { -1 };
        open.last = *glyph;
    }

    fn close(&mut self) {
        if let Some(Open { mut run, bold, mono, .. }) = self.open.take() {
            run.bold = bold * 2 > run.count;
            run.mono = mono * 10 >= run.count * 9;
            if !run.text.is_empty() {
                self.runs.push(run);
            }
        }
    }
}

impl Open {
    fn ends_before(&self, glyph: &Glyph, size: f32, zone: Option<u32>, line_end: bool) -> bool {
        if zone != self.run.zone || glyph.direction != self.run.direction {
            return true;
        }
        if glyph.direction != Some(0) {
            return line_end;
        }
        let em = size.max(self.run.size);
        let (gap, shift) = (glyph.rect.0[0] - self.last.rect.0[2], (glyph.base - self.run.base).abs());
        // A line's end that PDFium saw is believed unless the next character stands right behind.
        let limit = if line_end { SHIFT * 0.25 } else { SHIFT };
        shift > em * limit || gap > em * GAP || glyph.rect.0[0] < self.last.rect.0[0] - em * 0.5
    }
}

/// Ligatures become their letters; marks that mean a hyphen become one; other controls vanish.
fn push_clean(text: &mut String, ch: char) {
    match ch {
        '\u{fb00}' => text.push_str("ff"),
        '\u{fb01}' => text.push_str("fi"),
        '\u{fb02}' => text.push_str("fl"),
        '\u{fb03}' => text.push_str("ffi"),
        '\u{fb04}' => text.push_str("ffl"),
        '\u{fb05}' | '\u{fb06}' => text.push_str("st"),
        '\u{2}' | '\u{ad}' | '\u{fffe}' => text.push('-'),
        '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' => {}
        ch if ch.is_control() => {}
        ch => text.push(ch),
    }
}
