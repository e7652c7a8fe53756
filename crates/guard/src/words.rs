//! Many words at once, on a stream: Aho–Corasick that knows after each character how long the
//! longest beginning of a word is that the text may still complete.
//!
//! It does not know what a text is before folding, nor what happens to what it finds.

use crate::found::{Found, Mark};
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, nfa::contiguous::NFA};
use yizhan_domain::{Error, ErrorCode, Result};

/// How many starts are kept beyond the longest word before the oldest are forgotten.
const SLACK: usize = 64;

/// Folded words and what each is for.
#[derive(Debug)]
pub(crate) struct Words {
    automaton: NFA,
    start: StateID,
    /// By the low 16 bits of a character: may a word begin with it? Most characters of a text begin none.
    firsts: Box<[u64]>,
    /// By state: characters of the longest suffix of the text that is the beginning of a longer word.
    live: Vec<u16>,
    /// By pattern: characters.
    lengths: Vec<u16>,
    marks: Vec<Mark>,
    longest: usize,
}

/// Where a stream stands among the words.
#[derive(Clone, Debug)]
pub(crate) struct WordScan {
    state: StateID,
    /// Where in the original the last characters began.
    starts: Vec<usize>,
}

impl Words {
    /// `None` when there are no words.
    pub(crate) fn new(words: &[(String, Mark)]) -> Result<Option<Self>> {
        if words.is_empty() {
            return Ok(None);
        }
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(words.iter().map(|(word, _)| word))
            .map_err(|cause| too_many(&cause))?;
        let start = automaton.start_state(Anchored::No).map_err(|cause| too_many(&cause))?;
        let lengths: Vec<u16> =
            words.iter().map(|(word, _)| word.chars().count().min(u16::MAX.into()) as u16).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0).into();
        let marks = words.iter().map(|(_, mark)| *mark).collect();
        let mut firsts = vec![0; 1024].into_boxed_slice();
        for c in words.iter().filter_map(|(word, _)| word.chars().next()) {
            let (index, bit) = place(c);
            firsts[index] |= bit;
        }
        let mut made = Self { automaton, start, firsts, live: Vec::new(), lengths, marks, longest };
        made.live = made.live_lengths(words);
        Ok(Some(made))
    }

    /// A state that stands for the beginning of a longer word is as long as that beginning. One that
    /// stands for a whole word only is as long as the next shorter suffix that leads on.
    fn live_lengths(&self, words: &[(String, Mark)]) -> Vec<u16> {
        let mut live: Vec<u16> = Vec::new();
        let mut set = |state: StateID, length: u16| {
            let index = state.as_usize();
            if live.len() <= index {
                live.resize(index + 1, 0);
            }
            live[index] = length;
        };
        let mut ends = Vec::with_capacity(words.len());
        for (word, _) in words {
            let mut state = self.start;
            for (length, c) in (1u16..).zip(word.chars()) {
                set(state, length - 1);
                state = self.step(state, c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            ends.push(state);
        }
        // Whole words that lead nowhere, shorter ones first: longer ones may end in them.
        let mut whole: Vec<usize> =
            (0..words.len()).filter(|&i| live.get(ends[i].as_usize()).is_none_or(|&l| l == 0)).collect();
        whole.sort_by_key(|&i| self.lengths[i]);
        for i in whole {
            let suffix = words[i]
                .0
                .chars()
                .skip(1)
                .fold(self.start, |state, c| self.step(state, c.encode_utf8(&mut [0; 4]).as_bytes()));
            let length = live.get(suffix.as_usize()).copied().unwrap_or(0);
            if live.len() <= ends[i].as_usize() {
                live.resize(ends[i].as_usize() + 1, 0);
            }
            live[ends[i].as_usize()] = length;
        }
        live
    }

    fn step(&self, mut state: StateID, bytes: &[u8]) -> StateID {
        for &byte in bytes {
            state = self.automaton.next_state(Anchored::No, state, byte);
        }
        state
    }

    /// May a word begin with this character? Seldom true of one that none begins with.
    pub(crate) fn begins_with(&self, c: char) -> bool {
        let (index, bit) = place(c);
        self.firsts[index] & bit != 0
    }

    /// Is no word under way?
    pub(crate) fn is_idle(&self, scan: &WordScan) -> bool {
        scan.state == self.start
    }

    /// The state before a text.
    pub(crate) fn scan(&self) -> WordScan {
        WordScan { state: self.start, starts: Vec::new() }
    }

    /// One more folded character and its bytes, which the original has at `start..end`.
    pub(crate) fn feed(
        &self,
        scan: &mut WordScan,
        (c, bytes): (char, &[u8]),
        start: usize,
        end: usize,
        found: &mut Found,
    ) {
        if self.is_idle(scan) && !self.begins_with(c) {
            scan.starts.clear();
            return;
        }
        scan.state = self.step(scan.state, bytes);
        if scan.state == self.start {
            scan.starts.clear();
            return;
        }
        if scan.starts.len() >= self.longest + SLACK {
            scan.starts.drain(..SLACK);
        }
        scan.starts.push(start);
        if self.automaton.is_match(scan.state) {
            for i in 0..self.automaton.match_len(scan.state) {
                let pattern = self.automaton.match_pattern(scan.state, i).as_usize();
                if let Some(&start) = back(&scan.starts, self.lengths[pattern]) {
                    found.add(self.marks[pattern], start, end);
                }
            }
        }
    }

    /// Nothing of the text so far counts any more.
    pub(crate) fn reset(&self, scan: &mut WordScan) {
        scan.state = self.start;
        scan.starts.clear();
    }

    /// Where in the original the longest beginning of a word starts that may still become one.
    pub(crate) fn pending(&self, scan: &WordScan) -> Option<usize> {
        let length = self.live.get(scan.state.as_usize()).copied().unwrap_or(0);
        if length == 0 { None } else { back(&scan.starts, length).copied() }
    }
}

/// Where a character stands among 64 Ki bits.
fn place(c: char) -> (usize, u64) {
    let low = u32::from(c) & 0xFFFF;
    ((low >> 6) as usize, 1 << (low & 63))
}

fn back(starts: &[usize], length: u16) -> Option<&usize> {
    starts.len().checked_sub(length.into()).and_then(|index| starts.get(index))
}

fn too_many(cause: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidConfig, format!("The rules' word lists are too large for one automaton: {cause}."))
}
