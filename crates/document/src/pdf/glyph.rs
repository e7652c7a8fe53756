//! A page's characters with their places and styles.
//!
//! It does not know lines: the order is the content's own, as PDFium gives it.

use super::ffi::{Functions, Handle, Matrix, RectF};
use super::library::Page;
use std::collections::HashMap;
use std::ptr::null_mut;
use yizhan_domain::Rect;

/// One character.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub(super) ch: char,
    /// Its box, as high as its font's lines.
    pub(super) rect: Rect,
    /// The baseline's y.
    pub(super) base: f32,
    /// Index into [`Styles`].
    pub(super) style: u16,
    /// Quarter turns clockwise; none when aslant.
    pub(super) direction: Option<u8>,
    /// Made by PDFium where the content only has a gap: a space or a line's end.
    pub(super) generated: bool,
}

/// What characters of one font and size share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Style {
    /// Size on the page in points.
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) mono: bool,
}

/// The styles of a document. Fonts' handles are only valid while their page is open.
#[derive(Default)]
pub(super) struct Styles {
    list: Vec<Style>,
    by_key: HashMap<(u32, bool, bool), u16>,
}

impl Styles {
    /// The style with this index.
    pub(super) fn get(&self, index: u16) -> &Style {
        static PLAIN: Style = Style { size: 10.0, bold: false, mono: false };
        self.list.get(index as usize).unwrap_or(&PLAIN)
    }

    /// The index of a style, whose size is rounded to tenths of a point.
    pub(super) fn intern(&mut self, size: f32, bold: bool, mono: bool) -> u16 {
        let tenths = (size * 10.0).round().clamp(1.0, 100_000.0);
        let list = &mut self.list;
        *self.by_key.entry((tenths as u32, bold, mono)).or_insert_with(|| {
            list.push(Style { size: tenths / 10.0, bold, mono });
            u16::try_from(list.len() - 1).unwrap_or(u16::MAX)
        })
    }
}

/// The text object that the last character belonged to.
struct Current {
    object: Handle,
    style: u16,
    size: f32,
    direction: Option<u8>,
}

impl Page<'_> {
    /// The page's characters in content order.
    pub(super) fn glyphs(&self, styles: &mut Styles) -> Vec<Glyph> {
        if self.text.is_null() {
            return Vec::new();
        }
        let f = self.f;
        // SAFETY: the text page is open.
        let count = unsafe { (f.FPDFText_CountChars)(self.text) }.max(0);
        let mut glyphs = Vec::with_capacity(count as usize);
        let mut fonts = HashMap::new();
        let mut current =
            Current { object: null_mut(), style: styles.intern(10.0, false, false), size: 10.0, direction: Some(0) };
        let mut high = None;
        for index in 0..count {
            // SAFETY: the text page is open and the index within its characters.
            let (code, generated) =
                unsafe { ((f.FPDFText_GetUnicode)(self.text, index), (f.FPDFText_IsGenerated)(self.text, index) == 1) };
            let Some(ch) = combine(&mut high, code) else { continue };
            if generated {
                let (style, direction) = (current.style, current.direction);
                glyphs.push(Glyph { ch, rect: Rect::default(), base: 0.0, style, direction, generated });
                continue;
            }
            // SAFETY: as above.
            let object = unsafe { (f.FPDFText_GetTextObject)(self.text, index) };
            if object != current.object && !object.is_null() {
                current = self.describe(object, styles, &mut fonts);
            }
            let (rect, base) = self.place(index, current.size);
            glyphs.push(Glyph { ch, rect, base, style: current.style, direction: current.direction, generated });
        }
        glyphs
    }

    fn describe(&self, object: Handle, styles: &mut Styles, fonts: &mut HashMap<Handle, (bool, bool)>) -> Current {
        let f = self.f;
        let mut size = 0.0;
        let mut matrix = Matrix { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };
        // SAFETY: the object belongs to the open page; both outputs are writable.
        let font = unsafe {
            (f.FPDFTextObj_GetFontSize)(object, &mut size);
            (f.FPDFPageObj_GetMatrix)(object, &mut matrix);
            (f.FPDFTextObj_GetFont)(object)
        };
        let (bold, mono) = *fonts.entry(font).or_insert_with(|| font_traits(f, font));
        let scale = matrix.c.hypot(matrix.d);
        let size = (size * scale).abs();
        let size = if size.is_finite() && size > 0.1 { size } else { 10.0 };
        let direction = self.frame.direction(matrix.a, matrix.b);
        Current { object, style: styles.intern(size, bold, mono), size, direction }
    }

    /// The box and baseline of a character.
    fn place(&self, index: i32, size: f32) -> (Rect, f32) {
        let f = self.f;
        let mut loose = RectF::default();
        let (mut x, mut y) = (0.0, 0.0);
        // SAFETY: the text page is open, the index within it, the outputs writable.
        let found = unsafe {
            (f.FPDFText_GetCharOrigin)(self.text, index, &mut x, &mut y);
            (f.FPDFText_GetLooseCharBox)(self.text, index, &mut loose) != 0
        };
        let (x, y) = (x as f32, y as f32);
        if !found {
            loose = RectF { left: x, bottom: y, right: x + size * 0.5, top: y + size };
        }
        let rect = self.frame.rect(loose.left, loose.bottom, loose.right, loose.top);
        let (_, base) = self.frame.point(x, y);
        (rect, base)
    }
}

/// Whether a font is bold and whether it is monospaced.
fn font_traits(f: &Functions, font: Handle) -> (bool, bool) {
    if font.is_null() {
        return (false, false);
    }
    let mut name = [0u8; 128];
    // SAFETY: the font belongs to the open page; the buffer has the length given.
    let (length, weight) = unsafe {
        ((f.FPDFFont_GetBaseFontName)(font, name.as_mut_ptr().cast(), name.len()), (f.FPDFFont_GetWeight)(font))
    };
    let name = String::from_utf8_lossy(&name[..length.min(name.len())]).to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let bold = weight >= 600 || has(&["bold", "black", "heavy", "semibold", "demi"]);
    // The flag for fixed pitch is set on most Chinese fonts too; only the name tells program text.
    let mono =
        has(&["mono", "courier", "consol", "menlo", "typewriter", "cmtt", "lmtt", "sftt", "ectt", "fixed", "code"]);
    (bold, mono)
}

/// UTF-16 halves may come as two characters. Unpaired ones and code 0 are dropped.
fn combine(high: &mut Option<u32>, code: u32) -> Option<char> {
    match code {
        0 => None,
        0xd800..=0xdbff => {
            *high = Some(code);
            None
        }
        0xdc00..=0xdfff => {
            let first = high.take()?;
            char::from_u32(0x10000 + ((first - 0xd800) << 10) + (code - 0xdc00))
        }
        _ => {
            *high = None;
            char::from_u32(code)
        }
    }
}
