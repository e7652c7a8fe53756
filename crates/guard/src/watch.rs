//! The rules that leave a text as it is: what to warn of, what to record, and what was said without what
//! must come with it.
//!
//! It sees only text that has been decided, and holds nothing back. It does not know what is done about it.

use crate::compile::Known;
use crate::found::Candidate;
use crate::lane::feed;
use crate::reader::Reader;
use crate::scanner::{Scan, Scanner};
use std::collections::BTreeMap;

/// Unmet demands of one rule that are remembered; the oldest is then taken as unmet for good.
const OPEN_DEMANDS: usize = 256;

/// Where one lane's onlooker stands.
#[derive(Debug)]
pub(crate) struct Watch {
    reader: Reader,
    scan: Scan,
    demands: BTreeMap<u16, Demands>,
}

/// What one rule demands so far.
#[derive(Debug, Default)]
struct Demands {
    open: Vec<Candidate>,
    /// Where what was needed stood last, in folded characters.
    met: Option<usize>,
    unmet: Option<Candidate>,
}

impl Watch {
    pub(crate) fn new(scanner: &Scanner, reader: Reader) -> Self {
        Self { reader, scan: scanner.scan(), demands: BTreeMap::new() }
    }

    /// Looks at more text; what rules found that is certain.
    pub(crate) fn push(&mut self, text: &str, scanner: &Scanner, rules: &[Known]) -> Vec<Candidate> {
        feed(&mut self.reader, scanner, &mut self.scan, text);
        if self.scan.found.is_empty() {
            return Vec::new();
        }
        let frontier = scanner.frontier(&self.scan, self.reader.at());
        self.take(frontier, rules)
    }

    /// The text ends: the rest of what rules found, and what is missing.
    pub(crate) fn end(&mut self, scanner: &Scanner, rules: &[Known]) -> Vec<Candidate> {
        scanner.end(&mut self.scan);
        let mut found = self.take(usize::MAX, rules);
        for demands in std::mem::take(&mut self.demands).into_values() {
            found.extend(demands.unmet.or_else(|| demands.open.first().copied()));
        }
        found
    }

    fn take(&mut self, frontier: usize, rules: &[Known]) -> Vec<Candidate> {
        let mut found = self.scan.found.take_before(frontier);
        found.sort_by_key(|c| (c.start, usize::MAX - c.end, c.mark.rule));
        found.retain(|candidate| match rules[usize::from(candidate.mark.rule)].within {
            None => true,
            Some(within) => {
                self.demands.entry(candidate.mark.rule).or_default().add(*candidate, within);
                false
            }
        });
        found
    }
}

impl Demands {
    fn add(&mut self, candidate: Candidate, within: usize) {
        let at = candidate.at;
        if candidate.mark.need {
            self.met = self.met.max(Some(at));
            self.open.retain(|demand| demand.at.abs_diff(at) > within);
        } else if self.met.is_none_or(|met| met.abs_diff(at) > within) {
            self.open.push(candidate);
            if self.open.len() > OPEN_DEMANDS {
                let oldest = self.open.remove(0);
                self.unmet.get_or_insert(oldest);
            }
        }
    }
}
