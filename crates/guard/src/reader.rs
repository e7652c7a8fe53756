//! A lane's original text as characters with their places: plain text as it is, JSON with its escapes read.
//!
//! It does not check JSON: what is broken is read as it stands.

/// What the reader sees next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A character, at `start..end` of the original.
    Char(char, usize, usize),
    /// A JSON string begins or ends: no match reaches across.
    Break,
}

/// How a lane's text is read.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    Plain { at: usize },
    Json(Json),
}

/// JSON text on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Json {
    at: usize,
    in_string: bool,
    escape: Option<Escape>,
}

/// An escape that has begun.
#[derive(Clone, Debug)]
struct Escape {
    start: usize,
    /// What follows the backslash.
    text: String,
}

impl Reader {
    pub(crate) fn plain() -> Self {
        Reader::Plain { at: 0 }
    }

    pub(crate) fn json() -> Self {
        Reader::Json(Json::default())
    }

    /// Reads on. With each unit goes what follows it, as far as it is known to follow its folded form too.
    pub(crate) fn read(&mut self, text: &str, mut each: impl FnMut(Unit, &str)) {
        match self {
            Reader::Plain { at } => {
                let base = *at;
                *at += text.len();
                for (index, c) in text.char_indices() {
                    let end = index + c.len_utf8();
                    // What is not ASCII may become several characters.
                    let ahead = if c.is_ascii() { &text[end..] } else { "" };
                    each(Unit::Char(c, base + index, base + end), ahead);
                }
            }
            Reader::Json(json) => text.chars().for_each(|c| json.read(c, &mut |unit| each(unit, ""))),
        }
    }

    /// How much has been read, in bytes.
    pub(crate) fn at(&self) -> usize {
        match self {
            Reader::Plain { at } | Reader::Json(Json { at, .. }) => *at,
        }
    }

    /// Where an escape began that is not whole yet.
    pub(crate) fn pending(&self) -> Option<usize> {
        match self {
            Reader::Plain { .. } => None,
            Reader::Json(json) => json.escape.as_ref().map(|escape| escape.start),
        }
    }
}

impl Json {
    fn read(&mut self, c: char, each: &mut impl FnMut(Unit)) {
        let start = self.at;
        self.at += c.len_utf8();
        let Some(escape) = &mut self.escape else { return self.read_plain(c, start, each) };
        let from = escape.start;
        let belongs = match escape.text.len() {
            0 => c.is_ascii(),
            5 => c == '\\',
            6 => c == 'u',
            _ => c.is_ascii_hexdigit(),
        };
        if !belongs {
            // A surrogate without its other half, or digits that are none.
            self.escape = None;
            each(Unit::Char(char::REPLACEMENT_CHARACTER, from, start));
            return self.read_plain(c, start, each);
        }
        escape.text.push(c);
        if let Some(read) = escape.meaning() {
            self.escape = None;
            each(Unit::Char(read, from, self.at));
        }
    }

    fn read_plain(&mut self, c: char, start: usize, each: &mut impl FnMut(Unit)) {
        match c {
            '\\' if self.in_string => self.escape = Some(Escape { start, text: String::new() }),
            '"' => {
                self.in_string = !self.in_string;
                each(Unit::Break);
            }
            _ => each(Unit::Char(c, start, self.at)),
        }
    }
}

impl Escape {
    /// The character, when the escape is whole. The text is `n`, `uXXXX`, or `uXXXX\uXXXX`.
    fn meaning(&self) -> Option<char> {
        let first = self.text.chars().next()?;
        if first != 'u' {
            return Some(match first {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                other => other,
            });
        }
        let half = |range| u32::from_str_radix(self.text.get(range)?, 16).ok();
        let high = half(1..5)?;
        match (high, half(7..11)) {
            (0xD800..0xDC00, None) => None,
            (0xD800..0xDC00, Some(low)) => {
                let code = 0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
                Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            _ => Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
}
