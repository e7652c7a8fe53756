//! Server-sent events, cut out of a body as it comes (WHATWG HTML, section 9.2).
//!
//! It does not know what the events say. What lies whole in one piece of the body is handed on without being copied.
//! Two liberties for the sake of real servers: an event that the body's end cuts off before its empty line counts, and
//! a line that begins with `{` is data, as proxies put bare errors into streams.

use std::fmt;

/// Most bytes of one event, and of one line.
const MOST_BYTES: usize = 4 << 20;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The field `event`; empty when there is none.
    pub name: &'a [u8],
    /// The lines of `data`, joined by line breaks.
    pub data: &'a [u8],
}

/// A line or an event is longer than anyone's should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseFault;

impl fmt::Display for SseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of the stream is longer than {MOST_BYTES} bytes")
    }
}

impl std::error::Error for SseFault {}

/// Cuts a body into events.
#[derive(Clone, Debug)]
pub struct SseParser {
    most: usize,
    /// A line whose end has not come.
    line: Vec<u8>,
    name: Vec<u8>,
    /// Lines of data of the event that has not ended.
    data: Vec<u8>,
    has_data: bool,
    /// The last piece ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The first line may begin with a byte order mark.
    begun: bool,
}

impl Default for SseParser {
    fn default() -> Self {
        Self::with_limit(MOST_BYTES)
    }
}

/// What a line says.
enum Field<'l> {
    Data(&'l [u8]),
    Name(&'l [u8]),
    /// An empty line: the event is whole.
    End,
    /// A comment, or a field that nobody needs here.
    Nothing,
}

fn read_line(line: &[u8]) -> Field<'_> {
    if line.is_empty() {
        return Field::End;
    }
    if line[0] == b'{' {
        return Field::Data(line);
    }
    let (field, value) = match memchr::memchr(b':', line) {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        None => (line, &line[line.len()..]),
    };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    match field {
        b"data" => Field::Data(value),
        b"event" => Field::Name(value),
        _ => Field::Nothing,
    }
}

impl SseParser {
    /// A parser for events and lines up to so many bytes.
    pub fn with_limit(most: usize) -> Self {
        let empty = Vec::new;
        Self { most, line: empty(), name: empty(), data: empty(), has_data: false, after_cr: false, begun: false }
    }

    /// Reads a piece of the body; `take` gets each event that it completes. An error of `take` ends the
    /// reading.
    pub fn feed<E: From<SseFault>>(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        // The data of the event on its way, while it is one line of this very piece.
        let mut pending: Option<&[u8]> = None;
        let mut at = 0;
        if let (true, Some(first)) = (self.after_cr, piece.first()) {
            self.after_cr = false;
            at = usize::from(*first == b'\n');
        }
        while let Some(length) = memchr::memchr2(b'\n', b'\r', &piece[at..]) {
            let line = &piece[at..at + length];
            at += length + 1;
            if piece[at - 1] == b'\r' {
                match piece.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            if !self.line.is_empty() {
                self.end_line(line, &mut take)?;
                continue;
            }
            match read_line(self.without_mark(line)) {
                Field::Data(data) if pending.is_none() && !self.has_data => pending = Some(data),
                Field::Data(data) => {
                    self.keep(pending.take())?;
                    self.keep(Some(data))?;
                }
                Field::End => self.dispatch(pending.take(), &mut take)?,
                Field::Name(name) => self.rename(name),
                Field::Nothing => {}
            }
        }
        self.keep(pending)?;
        self.grow_line(&piece[at..])?;
        Ok(())
    }

    /// The body's end.
    pub fn finish<E: From<SseFault>>(&mut self, mut take: impl FnMut(SseEvent<'_>) -> Result<(), E>) -> Result<(), E> {
        if !self.line.is_empty() {
            self.end_line(b"", &mut take)?;
        }
        self.dispatch(None, &mut take)
    }

    /// The end of a line whose beginning came with an earlier piece.
    fn end_line<E: From<SseFault>>(
        &mut self,
        end: &[u8],
        take: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.grow_line(end)?;
        let mut line = std::mem::take(&mut self.line);
        match read_line(self.without_mark(&line)) {
            Field::Data(data) => self.keep(Some(data))?,
            Field::Name(name) => self.rename(name),
            Field::End => self.dispatch(None, take)?,
            Field::Nothing => {}
        }
        // Its room is used again.
        line.clear();
        self.line = line;
        Ok(())
    }

    /// The first line may begin with a byte order mark.
    fn without_mark<'l>(&mut self, line: &'l [u8]) -> &'l [u8] {
        if std::mem::replace(&mut self.begun, true) {
            return line;
        }
        line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
    }

    fn rename(&mut self, name: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(name);
    }

    fn grow_line(&mut self, more: &[u8]) -> Result<(), SseFault> {
        if self.line.len() + more.len() > self.most {
            return Err(SseFault);
        }
        self.line.extend_from_slice(more);
        Ok(())
    }

    /// Keeps a line of data for later.
    fn keep(&mut self, data: Option<&[u8]>) -> Result<(), SseFault> {
        let Some(data) = data else { return Ok(()) };
        if self.data.len() + data.len() >= self.most {
            return Err(SseFault);
        }
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(data);
        Ok(())
    }

    fn dispatch<E>(
        &mut self,
        pending: Option<&[u8]>,
        take: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let data = match pending {
            Some(data) => Some(data),
            None if self.has_data => Some(self.data.as_slice()),
            None => None,
        };
        let taken = data.map_or(Ok(()), |data| take(SseEvent { name: &self.name, data }));
        self.has_data = false;
        self.data.clear();
        self.name.clear();
        taken
    }
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
