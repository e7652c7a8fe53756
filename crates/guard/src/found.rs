//! What the matchers of one lane found and nobody has decided on yet.
//!
//! It does not know what a rule does.

/// What a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Which rule.
    pub(crate) rule: u16,
    /// Does the pattern satisfy its rule rather than break it?
    pub(crate) need: bool,
    /// Which kind of personal data, as an index of the table of kinds.
    pub(crate) kind: Option<u8>,
}

/// A match, in bytes of the lane's original text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) mark: Mark,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// How many folded characters the lane had when it was found.
    pub(crate) at: usize,
}

/// Matches in no particular order, the longest for each mark and start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    list: Vec<Candidate>,
    /// Folded characters so far.
    pub(crate) count: usize,
}

impl Found {
    pub(crate) fn add(&mut self, mark: Mark, start: usize, end: usize) {
        let at = self.count;
        let same = self.list.iter_mut().rev().find(|c| c.start == start && c.mark == mark);
        match same {
            Some(known) if known.end >= end => {}
            Some(known) => *known = Candidate { mark, start, end, at },
            None => self.list.push(Candidate { mark, start, end, at }),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes out those that start before `frontier`: nothing that comes can change them.
    pub(crate) fn take_before(&mut self, frontier: usize) -> Vec<Candidate> {
        self.list.extract_if(.., |c| c.start < frontier).collect()
    }
}
