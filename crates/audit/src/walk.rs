//! Going through one segment, link by link.
//!
//! It does not judge a segment that ends early: who walks knows what should be there.

use crate::chain::{End, day};
use crate::hash::Hash;
use crate::key::Key;
use crate::line;
use crate::marks::Head;
use crate::payload::PayloadPlace;
use crate::segment::{self, Header, Lines, Next};
use std::io::Result;
use std::path::Path;

/// Why a walk ended before the file did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// The line, from 1.
    pub line: u64,
    /// The number that a record there should have.
    pub sequence: u64,
    pub reason: &'static str,
}

/// A record as it stands in the file.
pub(crate) struct Found<'a> {
    pub sequence: u64,
    pub hash: Hash,
    /// The record's JSON and, after it, where its payload is.
    body: &'a [u8],
}

impl<'a> Found<'a> {
    pub(crate) fn new(sequence: u64, hash: Hash, body: &'a [u8]) -> Self {
        Self { sequence, hash, body }
    }

    /// The record's JSON, and where its payload lies if it has one.
    pub(crate) fn split(&self) -> (&'a [u8], Option<PayloadPlace>) {
        const NAME: &[u8] = b",\"payload\":";
        // The place is written last, has no nested object and is short.
        let from = self.body.len().saturating_sub(200);
        let at = self.body[from..].windows(NAME.len()).rposition(|window| window == NAME);
        let parsed = at.and_then(|at| {
            let (record, place) = self.body.split_at(from + at);
            Some((record, serde_json::from_slice(&place[NAME.len()..]).ok()?))
        });
        parsed.map_or((self.body, None), |(record, place)| (record, Some(place)))
    }
}

/// What a walk saw.
pub(crate) struct Walked {
    pub header: Option<Header>,
    /// Where the last good line ends; none when not even the first is good.
    pub end: Option<End>,
    /// Why it went no further; none at the file's end.
    pub stop: Option<Stop>,
    /// Is what stopped it only the trace of an interrupted write?
    pub torn: bool,
    /// Did it pass the line that the head names?
    pub head_seen: bool,
}

/// Walks a segment. `expected` is what its first line must follow (hash and first number); without,
/// the line's own word is taken, which our key sealed. `each` sees every record and may object.
pub(crate) fn walk(
    folder: &Path,
    number: u64,
    key: &Key,
    expected: Option<(Hash, u64)>,
    head: Option<&Head>,
    mut each: impl FnMut(Found<'_>) -> Result<Option<&'static str>>,
) -> Result<Walked> {
    let path = segment::path(folder, number);
    let mut lines = Lines::open(&path, 0)?;
    let mut walked = Walked { header: None, end: None, stop: None, torn: false, head_seen: false };
    let is_head =
        |end: &End| head.is_some_and(|head| (head.segment, head.seq, head.link) == (number, end.seq, end.hash));
    let (mut line, mut looked_again) = (0, None);
    loop {
        line += 1;
        let sequence = walked.end.map_or(expected.map_or(0, |(_, first)| first), |end| end.seq + 1);
        let step = match (lines.next()?, walked.end) {
            (Next::End, Some(_)) => return Ok(walked),
            (Next::End, None) => Err("the segment is empty"),
            (Next::Rest, _) => Err("a line is cut off, or longer than any that is written"),
            (Next::Line(text), None) => first_line(text, number, key, expected).map(|(header, end)| {
                walked.header = Some(header);
                end
            }),
            (Next::Line(text), Some(end)) => match next_line(text, key, &end) {
                Ok((body, hash)) => match each(Found::new(sequence, hash, body))? {
                    None => Ok(End { seq: sequence, hash, begun: true, ..end }),
                    Some(reason) => Err(reason),
                },
                Err(reason) => Err(reason),
            },
        };
        match step {
            Ok(end) => {
                let end = End { length: lines.at, ..end };
                walked.head_seen |= is_head(&end);
                walked.end = Some(end);
            }
            // The line may have been read while it was being written.
            Err(_) if looked_again != Some(line) => {
                looked_again = Some(line);
                lines = Lines::open(&path, walked.end.map_or(0, |end| end.length))?;
                line -= 1;
            }
            Err(reason) => {
                walked.torn = segment::is_torn(&path, walked.end.map_or(0, |end| end.length))?;
                walked.stop = Some(Stop { line, sequence, reason });
                return Ok(walked);
            }
        }
    }
}

fn first_line(
    text: &[u8],
    number: u64,
    key: &Key,
    expected: Option<(Hash, u64)>,
) -> std::result::Result<(Header, End), &'static str> {
    let (header, hash) = Header::read(text, &key.link).ok_or("the segment's first line was changed")?;
    if header.segment != number || header.first == 0 {
        return Err("the file has another segment's name");
    }
    if expected.is_some_and(|expected| expected != (header.previous, header.first)) {
        return Err("the segment does not follow the one before: something between was removed or put in");
    }
    let end = End { segment: number, length: 0, seq: header.first - 1, hash, day: day(header.time_ms), begun: false };
    Ok((header, end))
}

/// The record's JSON of the line that follows `end`.
pub(crate) fn next_line<'a>(
    text: &'a [u8],
    key: &Key,
    end: &End,
) -> std::result::Result<(&'a [u8], Hash), &'static str> {
    let (body, hash) = line::open(text, &key.link, &end.hash)
        .ok_or("the line was changed, or does not follow the one before: something was removed, put in or moved")?;
    match line::record_number(body) {
        Some((number, body)) if number == end.seq + 1 => Ok((body, hash)),
        _ => Err("the record's number is not the next"),
    }
}
