//! Opening a log: making one, or finding where the one that is there ends.
//!
//! It looks at the last segment alone; the whole is for `verify`. It does not append records.

use crate::chain::{Chain, End, Surroundings, begin};
use crate::key::Key;
use crate::log::Options;
use crate::marks::{self, Head};
use crate::segment::{self, Header};
use crate::walk::{Walked, walk};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use yizhan_domain::{Error, ErrorCode, Result};

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Bytes of an interrupted write that were cut off. They were never acknowledged.
    pub torn_bytes: u64,
    /// What was found wrong, when the log was continued nevertheless.
    pub damage: Option<String>,
}

enum Found {
    /// Nothing was ever written.
    Nothing,
    /// An end in good order, with so many torn bytes behind it.
    Good(End, u64),
    /// Something is wrong; the best known end.
    Damaged(End, String),
}

pub(crate) fn recover(folder: &Path, options: &Options, around: Surroundings) -> Result<(Chain, Opened)> {
    let at = |cause| Error::io(format!("Opening the audit log in {}", folder.display()), cause);
    let key = match Key::load(&options.key) {
        Err(error) if error.code() == ErrorCode::NotFound && is_empty(folder).map_err(at)? => {
            Key::create(&options.key)?
        }
        outcome => outcome?,
    };
    let time_ms = (around.now_ms)();
    let mut opened = Opened::default();
    let end = match find(folder, &key).map_err(at)? {
        Found::Nothing => {
            let header = Header { segment: 1, first: 1, previous: key.genesis(), time_ms, damage: None };
            begin(folder, &key, header).map_err(at)?
        }
        Found::Good(end, torn_bytes) => {
            opened.torn_bytes = torn_bytes;
            end
        }
        Found::Damaged(_, what) if !options.continue_damaged => return Err(damaged(folder, &what)),
        Found::Damaged(end, what) => {
            opened.damage = Some(what.clone());
            let (segment, first) = (end.segment + 1, end.seq + 1);
            let header = Header { segment, first, previous: end.hash, time_ms, damage: Some(what) };
            begin(folder, &key, header).map_err(at)?
        }
    };
    let mut chain = Chain::resume(folder.to_owned(), key, end, options.segment_bytes, around).map_err(at)?;
    chain.key.mark_begun()?;
    Ok((chain, opened))
}

fn damaged(folder: &Path, what: &str) -> Error {
    let folder = folder.display();
    let message = format!(
        "The audit log in {folder} is damaged: {what}. Keep a copy, run `yizhan audit verify`, and restore it; or \
         permit the log to go on, which it then says for ever."
    );
    Error::new(ErrorCode::Io, message)
}

fn is_empty(folder: &Path) -> std::io::Result<bool> {
    let marks = [marks::HEAD, marks::PRUNED].iter().any(|name| folder.join(name).exists());
    Ok(!marks && segment::list(folder, ".jsonl")?.is_empty())
}

/// Bad seals are damage; other faults of the disk are errors.
fn or_damage<T>(
    read: std::io::Result<Option<T>>,
    damage: &mut Option<String>,
    what: &str,
) -> std::io::Result<Option<T>> {
    match read {
        Err(cause) if cause.kind() == ErrorKind::InvalidData => {
            damage.get_or_insert_with(|| format!("{what} was changed"));
            Ok(None)
        }
        outcome => outcome,
    }
}

fn find(folder: &Path, key: &Key) -> std::io::Result<Found> {
    let mut damage = None;
    let pruned = or_damage(marks::read_pruned(folder, key), &mut damage, "the file pruned.json")?;
    let head = or_damage(marks::read_head(folder, key), &mut damage, "the file head.json")?;
    let first = pruned.as_ref().map_or(1, |pruned| pruned.segment);
    let mut segments = segment::list(folder, ".jsonl")?;
    segments.retain(|number| *number >= first);
    let highest = segments.last().copied().unwrap_or(0).max(head.map_or(0, |head| head.segment));

    let begun = key.begun || head.is_some() || pruned.is_some() || damage.is_some();
    let mut torn_bytes = 0;
    let last = loop {
        let Some(number) = segments.pop() else { break None };
        let walked = walk(folder, number, key, None, head.as_ref(), |_| Ok(None))?;
        // A segment that was being made when the process died.
        let unborn = walked.end.is_none() && walked.torn && head.is_none_or(|head| number > head.segment);
        if !unborn {
            break Some(walked);
        }
        let path = segment::path(folder, number);
        torn_bytes += std::fs::metadata(&path)?.len();
        std::fs::remove_file(path)?;
    };
    let Some(last) = last else {
        let none = End { segment: highest, length: 0, seq: 0, hash: key.genesis(), day: 0, begun: false };
        let none = head.map_or(none, |head| End { seq: head.seq, hash: head.link, ..none });
        return Ok(if begun {
            Found::Damaged(none, damage.unwrap_or("every record is gone".into()))
        } else {
            Found::Nothing
        });
    };
    let damage = damage.or_else(|| objection(&last, head.as_ref(), key));
    Ok(match (damage, last.end) {
        (None, Some(end)) => {
            let file = File::open(segment::path(folder, end.segment))?;
            Found::Good(end, torn_bytes + segment::used(&file, end.length)? - end.length)
        }
        (damage, end) => Found::Damaged(best(end, head, highest, key), damage.unwrap_or_default()),
    })
}

/// What is wrong with the last segment, if anything is.
fn objection(last: &Walked, head: Option<&Head>, key: &Key) -> Option<String> {
    if let Some(stop) = last.stop.as_ref().filter(|_| !last.torn) {
        return Some(format!("in the last segment, line {}: {}", stop.line, stop.reason));
    }
    let Some(end) = last.end else { return Some("the last segment's first line is not what was written".into()) };
    match head {
        // The process died while it made the log.
        None if !key.begun && end.segment == 1 && end.seq == 0 => None,
        None => Some("the file head.json is gone".into()),
        Some(head) if (end.segment, end.seq) < (head.segment, head.seq) => {
            Some(format!("record {} was acknowledged, and the last that is there is {}", head.seq, end.seq))
        }
        Some(head) if end.segment == head.segment && !last.head_seen => {
            Some("the last record is not the one that was acknowledged".into())
        }
        Some(_) => None,
    }
}

/// Where to go on: never with a number that was given out before.
fn best(end: Option<End>, head: Option<Head>, highest: u64, key: &Key) -> End {
    let none = End { segment: highest, length: 0, seq: 0, hash: key.genesis(), day: 0, begun: false };
    let end = end.map_or(none, |end| End { segment: highest, ..end });
    match head {
        Some(head) if head.seq >= end.seq => End { seq: head.seq, hash: head.link, ..end },
        _ => end,
    }
}
