//! All patterns of one purpose, run side by side over one lane's folded characters.
//!
//! It does not know what happens to a match, nor where the text comes from.

use crate::fold::{is_separator, is_word};
use crate::found::Found;
use crate::machine::{Machine, Text, Threads};
use crate::neck::Neck;
use crate::words::{WordScan, Words};

/// So many separators may stand between two characters of a word that is written with gaps.
pub(crate) const WIDEST_GAP: u8 = 4;

/// The compiled patterns.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// Words as they are.
    pub(crate) plain: Option<Words>,
    /// Words over the text without separators.
    pub(crate) gapped: Option<Words>,
    /// Latin words over letters that stand alone: `f-u-c-k`.
    pub(crate) spelled: Option<Words>,
    /// Whole words, regular expressions and personal data.
    pub(crate) machines: Machines,
}

/// Machines, and which of them a byte may begin a match in.
#[derive(Debug)]
pub(crate) struct Machines {
    list: Vec<Machine>,
    /// By byte: one bit a machine; from the 64th on they share the last.
    begun_by: Box<[u64; 256]>,
    /// The bit of the first machine whose matches must pass a byte, and that byte.
    neck: Option<(u64, Neck)>,
}

impl From<Vec<Machine>> for Machines {
    fn from(list: Vec<Machine>) -> Self {
        let mut begun_by = Box::new([0; 256]);
        for (index, machine) in list.iter().enumerate() {
            for byte in (0..=255u8).filter(|&byte| machine.begins_with(byte)) {
                begun_by[usize::from(byte)] |= bit(index);
            }
        }
        let neck = list.iter().take(63).enumerate().find_map(|(index, machine)| Some((bit(index), machine.neck()?)));
        Self { list, begun_by, neck }
    }
}

impl Default for Machines {
    fn default() -> Self {
        Vec::new().into()
    }
}

fn bit(machine: usize) -> u64 {
    1 << machine.min(63)
}

/// Where one lane stands.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    plain: Option<WordScan>,
    gapped: Option<WordScan>,
    spelled: Option<WordScan>,
    /// Separators since the last character that counts.
    gap: u8,
    threads: Vec<Threads>,
    /// Machines that have threads, as bits.
    active: u64,
    /// Is nothing under way, neither a word nor a machine's thread?
    idle: bool,
    /// Up to this byte of the original it is known whether a run misses the neck.
    looked: usize,
    /// It does: no match begins there of the machine that has the neck.
    misses: bool,
    before: Option<char>,
    text: Option<Text>,
    pub(crate) found: Found,
}

impl Scanner {
    pub(crate) fn is_empty(&self) -> bool {
        self.plain.is_none() && self.gapped.is_none() && self.spelled.is_none() && self.machines.list.is_empty()
    }

    /// The state before a text.
    pub(crate) fn scan(&self) -> Scan {
        Scan {
            plain: self.plain.as_ref().map(Words::scan),
            gapped: self.gapped.as_ref().map(Words::scan),
            spelled: self.spelled.as_ref().map(Words::scan),
            gap: 0,
            threads: self.machines.list.iter().map(|_| Threads::default()).collect(),
            active: 0,
            idle: true,
            looked: 0,
            misses: false,
            before: None,
            text: self.machines.list.iter().any(Machine::verifies).then(Text::default),
            found: Found::default(),
        }
    }

    /// One more folded character, which the original has at `start..end`. `ahead` is what follows in the original, as far
    /// as it is known; it spares work and changes nothing.
    pub(crate) fn feed(&self, scan: &mut Scan, c: char, (start, end): (usize, usize), ahead: &str) {
        scan.found.count += 1;
        let mut encoded = [0; 4];
        let bytes: &[u8] = c.encode_utf8(&mut encoded).as_bytes();
        let concerned = self.concerned(scan, bytes[0], (start, end), ahead);
        // The usual case: nothing is under way, and nothing begins.
        if concerned == 0 && scan.idle && !self.begins_word(c) {
            scan.gap = if is_separator(c) { scan.gap.saturating_add(1) } else { 0 };
        } else {
            self.feed_words(scan, (c, bytes), start, end);
            if concerned != 0 {
                self.feed_machines(scan, concerned, (c, bytes), (start, end));
            }
            scan.idle = scan.active == 0 && self.words(scan).all(|(words, state)| words.is_idle(state));
        }
        // Whoever looks at the text again was there before this character, or begins with it.
        if scan.active != 0
            && let Some(text) = &mut scan.text
        {
            text.push(c);
        }
        scan.before = Some(c);
    }

    fn begins_word(&self, c: char) -> bool {
        [&self.plain, &self.gapped, &self.spelled].into_iter().flatten().any(|words| words.begins_with(c))
    }

    fn words<'a>(&'a self, scan: &'a Scan) -> impl Iterator<Item = (&'a Words, &'a WordScan)> {
        let words = [(&self.plain, &scan.plain), (&self.gapped, &scan.gapped), (&self.spelled, &scan.spelled)];
        words.into_iter().filter_map(|(words, state)| words.as_ref().zip(state.as_ref()))
    }

    fn feed_words(&self, scan: &mut Scan, (c, bytes): (char, &[u8]), start: usize, end: usize) {
        if let (Some(words), Some(state)) = (&self.plain, &mut scan.plain) {
            words.feed(state, (c, bytes), start, end, &mut scan.found);
        }
        if self.gapped.is_some() || self.spelled.is_some() {
            self.feed_gapped(scan, (c, bytes), start, end);
        }
    }

    /// The machines that a byte concerns: those with threads, and those in which it begins one that may come to something.
    fn concerned(&self, scan: &mut Scan, first: u8, (start, end): (usize, usize), ahead: &str) -> u64 {
        let begun = self.machines.begun_by[usize::from(first)] & !scan.active;
        if let Some((bit, neck)) = &self.machines.neck
            && begun & bit != 0
        {
            if start >= scan.looked {
                let (length, misses) = neck.look(ahead);
                (scan.looked, scan.misses) = (end + length, misses);
            }
            if scan.misses {
                return scan.active | (begun & !bit);
            }
        }
        scan.active | begun
    }

    fn feed_machines(&self, scan: &mut Scan, concerned: u64, (c, bytes): (char, &[u8]), place: (usize, usize)) {
        let none = Text::default();
        let text = scan.text.as_ref().unwrap_or(&none);
        scan.active = 0;
        for (index, (machine, threads)) in self.machines.list.iter().zip(&mut scan.threads).enumerate() {
            if concerned & bit(index) != 0 {
                machine.feed(threads, (c, bytes), place, scan.before, text, &mut scan.found);
                if threads.pending().is_some() {
                    scan.active |= bit(index);
                }
            }
        }
    }

    fn feed_gapped(&self, scan: &mut Scan, (c, bytes): (char, &[u8]), start: usize, end: usize) {
        if is_separator(c) {
            scan.gap = scan.gap.saturating_add(1);
            if scan.gap > WIDEST_GAP {
                self.reset_gapped(scan);
            }
            return;
        }
        scan.gap = 0;
        if let (Some(words), Some(state)) = (&self.gapped, &mut scan.gapped) {
            words.feed(state, (c, bytes), start, end, &mut scan.found);
        }
        if let (Some(words), Some(state)) = (&self.spelled, &mut scan.spelled) {
            // Two letters side by side are a word of their own, not a word that is spelled out.
            if is_word(c) && !scan.before.is_some_and(is_word) {
                words.feed(state, (c, bytes), start, end, &mut scan.found);
            } else {
                words.reset(state);
            }
        }
    }

    fn reset_gapped(&self, scan: &mut Scan) {
        for (words, state) in [(&self.gapped, &mut scan.gapped), (&self.spelled, &mut scan.spelled)] {
            if let (Some(words), Some(state)) = (words, state) {
                words.reset(state);
            }
        }
    }

    /// The text ends here, or what follows has nothing to do with it.
    pub(crate) fn end(&self, scan: &mut Scan) {
        let none = Text::default();
        for (machine, threads) in self.machines.list.iter().zip(&mut scan.threads) {
            machine.end(threads, scan.before, scan.text.as_ref().unwrap_or(&none), &mut scan.found);
        }
        (scan.active, scan.idle) = (0, true);
        if let (Some(words), Some(state)) = (&self.plain, &mut scan.plain) {
            words.reset(state);
        }
        self.reset_gapped(scan);
        scan.before = None;
    }

    /// Where in the original the earliest match starts that may still come or grow; `now` if there is none.
    pub(crate) fn frontier(&self, scan: &Scan, now: usize) -> usize {
        if scan.idle {
            return now;
        }
        let words = self.words(scan).filter_map(|(words, state)| words.pending(state));
        words.chain(scan.threads.iter().filter_map(Threads::pending)).min().unwrap_or(now)
    }
}
