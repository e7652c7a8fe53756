//! Deleting what policy no longer keeps, so that the rest still verifies.
//!
//! A sealed marker says what was deleted and what the rest follows. It is durable before a file goes.
//! It does not know who asks, and never touches the segment that is being written.

use crate::key::Key;
use crate::marks::{self, Pruned};
use crate::segment;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// What to delete: segments, or payloads alone, that were finished before a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Segments whose last record was written before this, milliseconds since 1970.
    pub records_before_ms: Option<i64>,
    /// Payloads of segments whose last record was written before this, milliseconds since 1970.
    pub payloads_before_ms: Option<i64>,
    /// Why, for the marker: e.g. `records 180 days, payloads 30 days`.
    pub policy: String,
}

/// Applies it below the segment `current`. None when there was nothing to delete.
pub(crate) fn prune(
    folder: &Path,
    key: &Key,
    current: u64,
    retention: &Retention,
    now_ms: i64,
) -> Result<Option<Pruned>> {
    let before = marks::read_pruned(folder, key)?;
    let old = before.clone().unwrap_or(Pruned {
        segment: 1,
        through: 0,
        previous: key.genesis(),
        payloads: 1,
        time_ms: now_ms,
        policy: String::new(),
    });
    let segments: Vec<u64> = segment::list(folder, ".jsonl")?.into_iter().filter(|one| *one >= old.segment).collect();
    let first_kept = |limit: Option<i64>| -> Result<u64> {
        let mut kept = old.segment;
        for number in segments.iter().copied().filter(|number| *number > kept && *number <= current).collect::<Vec<_>>()
        {
            // A segment ended when the next one began.
            match (segment::header(folder, number, key)?, limit) {
                (Some(header), Some(limit)) if number == kept + 1 && header.time_ms < limit => kept = number,
                _ => break,
            }
        }
        Ok(kept)
    };
    let segment = first_kept(retention.records_before_ms)?;
    let payloads = first_kept(retention.payloads_before_ms)?.max(segment).max(old.payloads);
    let mut new = Pruned { segment, payloads, time_ms: now_ms, policy: retention.policy.clone(), ..old.clone() };
    if segment > old.segment {
        let damaged = || Error::new(ErrorKind::InvalidData, "a segment's first line was changed");
        let header = segment::header(folder, segment, key)?.ok_or_else(damaged)?;
        (new.through, new.previous) = (header.first - 1, header.previous);
    }
    let changed = (new.segment, new.payloads) != (old.segment, old.payloads);
    if changed {
        marks::write_pruned(folder, key, &new)?;
    }
    // Also what an interrupted deletion left.
    delete(folder, ".jsonl", new.segment, segment::path)?;
    delete(folder, ".payload", new.payloads, segment::payload_path)?;
    Ok(changed.then_some(new))
}

fn delete(folder: &Path, ending: &str, below: u64, path: fn(&Path, u64) -> std::path::PathBuf) -> Result<()> {
    for number in segment::list(folder, ending)?.into_iter().filter(|number| *number < below) {
        std::fs::remove_file(path(folder, number))?;
    }
    Ok(())
}
