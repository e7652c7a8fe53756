//! Offline verification of a whole log.
//!
//! It writes nothing, and needs the key, since only the key tells a forged line from a true one.

use crate::hash::Checkpoint;
use crate::key::Key;
use crate::marks::{self, Head, Pruned};
use crate::segment;
use crate::walk::{Found, walk};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;
use yizhan_domain::{Error, Result};

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Records that are as they were written, up to the first that is not.
    pub records: u64,
    /// Nothing was changed, removed or put in, as far as can be told (see the crate's page).
    pub intact: bool,
    /// Where it is not.
    pub first_bad: Option<Bad>,
    /// The last good record: keep it elsewhere, and give it to `against` the next time.
    pub last: Option<Checkpoint>,
    /// What policy deleted.
    pub pruned: Option<Pruned>,
    /// The last line was being written when the process died. Nobody was told that it was kept, and
    /// the next start cuts it off.
    pub torn: bool,
    /// Files of segments that policy deleted and that are still there; the next deletion takes them.
    pub leftovers: u64,
}

/// The first place that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    /// The segment, or the one that is missing.
    pub segment: u64,
    /// Its line, from 1; 0 when it is not about a line.
    pub line: u64,
    /// The number that the record there should have.
    pub sequence: u64,
    /// What is wrong.
    pub reason: String,
}

struct Verifier<'a> {
    folder: &'a Path,
    key: &'a Key,
    head: Option<Head>,
    pruned: Option<Pruned>,
    against: Option<Checkpoint>,
    against_seen: bool,
    report: Report,
}

/// Checks every line of the log in `folder`, and payloads where they are kept. With `against`, also that the
/// record of that number is still the one it was then.
///
/// `Io` when a file cannot be read. That something was tampered with is no error but a report.
pub fn verify(folder: &Path, key: &Key, against: Option<Checkpoint>) -> Result<Report> {
    let at = |cause| Error::io(format!("Reading the audit log in {}", folder.display()), cause);
    let report =
        Report { records: 0, intact: false, first_bad: None, last: None, pruned: None, torn: false, leftovers: 0 };
    let mut verifier = Verifier { folder, key, head: None, pruned: None, against, against_seen: false, report };
    let bad = verifier.run().map_err(at)?;
    let mut report = verifier.report;
    report.intact = bad.is_none();
    report.first_bad = bad;
    report.pruned = verifier.pruned;
    Ok(report)
}

impl Verifier<'_> {
    fn run(&mut self) -> std::io::Result<Option<Bad>> {
        if let Some(bad) = self.read_marks()? {
            return Ok(Some(bad));
        }
        let (mut expected, mut number) = match &self.pruned {
            None => ((self.key.genesis(), 1), 1),
            Some(pruned) => ((pruned.previous, pruned.through + 1), pruned.segment),
        };
        let (leftovers, segments): (Vec<u64>, Vec<u64>) =
            segment::list(self.folder, ".jsonl")?.into_iter().partition(|segment| *segment < number);
        self.report.leftovers = leftovers.len() as u64;
        let mut head_seen = false;
        for (position, segment) in segments.iter().enumerate() {
            if *segment != number {
                return Ok(Some(bad(number, 0, expected.1, "the segment is missing")));
            }
            let is_last = position + 1 == segments.len();
            let (mut checked, mut last) = (0, None);
            let head = self.head;
            let walked = walk(self.folder, number, self.key, Some(expected), head.as_ref(), |found| {
                let objection = self.check(number, &found)?;
                if objection.is_none() {
                    checked += 1;
                    last = Some(Checkpoint { sequence: found.sequence, hash: found.hash });
                }
                Ok(objection)
            })?;
            head_seen |= walked.head_seen;
            self.report.records += checked;
            self.report.last = last.or(self.report.last);
            if let Some(stop) = walked.stop {
                // Only behind everything that was acknowledged may a write be torn.
                let acknowledged = match self.head {
                    None => self.key.begun,
                    Some(head) => !head_seen && *segment <= head.segment,
                };
                if !(walked.torn && is_last && !acknowledged) {
                    return Ok(Some(bad(number, stop.line, stop.sequence, stop.reason)));
                }
                self.report.torn = true;
            }
            if let Some(damage) = walked.header.and_then(|header| header.damage) {
                let reason = format!("the log was continued here although it was damaged: {damage}");
                return Ok(Some(bad(number, 1, expected.1, &reason)));
            }
            if let Some(end) = walked.end {
                expected = (end.hash, end.seq + 1);
            }
            number += 1;
        }
        Ok(self.missing(head_seen, number, expected.1))
    }

    fn read_marks(&mut self) -> std::io::Result<Option<Bad>> {
        match marks::read_pruned(self.folder, self.key) {
            Err(cause) if cause.kind() == ErrorKind::InvalidData => {
                return Ok(Some(bad(0, 0, 0, "the file pruned.json was changed")));
            }
            outcome => self.pruned = outcome?,
        }
        match marks::read_head(self.folder, self.key) {
            Err(cause) if cause.kind() == ErrorKind::InvalidData => {
                return Ok(Some(bad(0, 0, 0, "the file head.json was changed")));
            }
            outcome => self.head = outcome?,
        }
        Ok(None)
    }

    /// What there should be and is not.
    fn missing(&self, head_seen: bool, segment: u64, sequence: u64) -> Option<Bad> {
        let reason = match self.head {
            None if !self.key.begun && self.report.records == 0 => None,
            None => Some("the file head.json is gone".to_owned()),
            Some(_) if head_seen => None,
            Some(head) => Some(format!("records up to {} were acknowledged and the last are gone", head.seq)),
        };
        let reason = reason.or_else(|| match self.against {
            Some(against) if !self.against_seen => Some(format!(
                "record {} of the checkpoint is not there: the log was set back, or policy deleted it",
                against.sequence
            )),
            _ => None,
        });
        reason.map(|reason| bad(segment.saturating_sub(1), 0, sequence, &reason))
    }

    fn check(&mut self, segment: u64, found: &Found<'_>) -> std::io::Result<Option<&'static str>> {
        if let Some(against) = self.against.filter(|against| against.sequence == found.sequence) {
            self.against_seen = true;
            if against.hash != found.hash {
                return Ok(Some("the record is not the one of the checkpoint: the log was made anew"));
            }
        }
        let (_, Some(place)) = found.split() else { return Ok(None) };
        if self.pruned.as_ref().is_some_and(|pruned| segment < pruned.payloads) {
            return Ok(None);
        }
        Ok(match place.read(self.folder, segment, self.key) {
            Ok(_) => None,
            Err(cause) if cause.kind() == ErrorKind::NotFound => Some("the record's payload is gone"),
            Err(cause) if cause.kind() == ErrorKind::InvalidData => Some("the record's payload was changed"),
            Err(cause) => return Err(cause),
        })
    }
}

fn bad(segment: u64, line: u64, sequence: u64, reason: &str) -> Bad {
    Bad { segment, line, sequence, reason: reason.to_owned() }
}
