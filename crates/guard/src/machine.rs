//! Bounded patterns as one table-driven automaton, run from every place where a match may begin.
//!
//! A thread is one place and the state that the text since then has led to. It lives exactly as long as the
//! text may still become a match or a longer one, so the oldest thread is what must be held back. Regular
//! expressions are determinised by `regex-automata`; states that lead to no match are removed here.
//!
//! It does not know which patterns are personal data, nor what a rule does.

use crate::boundary::Boundary;
use crate::found::{Found, Mark};
use crate::neck::Neck;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::{primitives::StateID, start};
use regex_automata::{Anchored, MatchKind};
use std::collections::{BTreeMap, HashMap};

/// A table of several patterns beyond this is split into two; a try that fails is time lost.
const SHARED_TABLE_BYTES: usize = 4 << 20;
/// A single pattern whose table is larger is refused.
const OWN_TABLE_BYTES: usize = 8 << 20;
const DEAD: u32 = 0;
const START: u32 = 1;
const ACCEPTS: u8 = 1;
const LEADS_ON: u8 = 2;

/// A pattern of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// A bounded regular expression over folded text, or a literal.
    pub(crate) text: String,
    pub(crate) mark: Mark,
    /// Says whether a match really is one (a check digit, for instance).
    pub(crate) verify: Option<fn(&[char]) -> bool>,
}

/// Patterns that ask for the same boundary.
#[derive(Debug)]
pub(crate) struct Machine {
    boundary: Boundary,
    classes: [u8; 256],
    stride: usize,
    /// By state and class of byte.
    next: Vec<u32>,
    /// By state: patterns that end there.
    accepts: Vec<Box<[u16]>>,
    /// By state: does a pattern end there ([`ACCEPTS`]), may the text lead on to a match ([`LEADS_ON`])?
    flags: Vec<u8>,
    patterns: Vec<Pattern>,
    verifies: bool,
}

/// One place where a match may have begun.
#[derive(Clone, Copy, Debug)]
struct Thread {
    state: u32,
    /// In the original.
    start: usize,
    /// The end of what has been read, in the original.
    end: usize,
    /// In folded characters.
    from: usize,
    /// Does a match end here, if what follows is a boundary?
    waits: bool,
}

/// The threads of one lane, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads {
    list: Vec<Thread>,
}

impl Machine {
    /// Machines for all of these regular expressions: one, or more when the table would grow too large.
    /// The error is the index of a pattern that is too large alone, or does not parse.
    pub(crate) fn regexes(boundary: Boundary, patterns: &[Pattern]) -> Result<Vec<Self>, (usize, String)> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        match determinise(patterns) {
            Ok(dfa) => Ok(vec![Self::from_dense(boundary, &dfa, patterns)]),
            Err(cause) if patterns.len() == 1 => Err((0, cause)),
            Err(_) => {
                let middle = patterns.len() / 2;
                let mut machines = Self::regexes(boundary, &patterns[..middle])?;
                let rest = Self::regexes(boundary, &patterns[middle..]);
                machines.extend(rest.map_err(|(index, cause)| (index + middle, cause))?);
                Ok(machines)
            }
        }
    }

    /// A machine for literal words.
    pub(crate) fn literals(boundary: Boundary, patterns: &[Pattern]) -> Option<Self> {
        if patterns.is_empty() {
            return None;
        }
        let mut nodes: Vec<(BTreeMap<u8, u32>, Vec<u16>)> = vec![Default::default(), Default::default()];
        for (index, pattern) in patterns.iter().enumerate() {
            let mut node = START;
            for &byte in pattern.text.as_bytes() {
                let fresh = nodes.len() as u32;
                let next = *nodes[node as usize].0.entry(byte).or_insert(fresh);
                if next == fresh {
                    nodes.push(Default::default());
                }
                node = next;
            }
            nodes[node as usize].1.push(index as u16);
        }
        let mut classes = [0u8; 256];
        let used: std::collections::BTreeSet<u8> = nodes.iter().flat_map(|node| node.0.keys().copied()).collect();
        for (class, byte) in (1u8..=255).zip(used) {
            classes[byte as usize] = class;
        }
        let stride = classes.iter().max().map_or(1, |&class| class as usize + 1);
        let mut next = vec![DEAD; nodes.len() * stride];
        for (state, node) in nodes.iter().enumerate() {
            for (&byte, &to) in &node.0 {
                next[state * stride + classes[byte as usize] as usize] = to;
            }
        }
        let leads_on = nodes.iter().map(|node| !node.0.is_empty()).collect();
        let accepts = nodes.into_iter().map(|node| node.1.into()).collect();
        Some(Self::finish(boundary, classes, stride, next, accepts, leads_on, patterns))
    }

    fn from_dense(boundary: Boundary, dfa: &dense::DFA<Vec<u32>>, patterns: &[Pattern]) -> Self {
        let bytes: Vec<u8> = dfa.byte_classes().representatives(0..=255).filter_map(|unit| unit.as_u8()).collect();
        let mut classes = [0u8; 256];
        for byte in 0..=255u8 {
            let class = dfa.byte_classes().get(byte);
            classes[byte as usize] = bytes.iter().position(|&b| dfa.byte_classes().get(b) == class).unwrap_or(0) as u8;
        }
        let stride = bytes.len();
        let (mut next, accepts) = walk(dfa, &bytes);
        let leads_on = prune(&mut next, stride, &accepts);
        Self::finish(boundary, classes, stride, next, accepts, leads_on, patterns)
    }

    fn finish(
        boundary: Boundary,
        classes: [u8; 256],
        stride: usize,
        next: Vec<u32>,
        accepts: Vec<Box<[u16]>>,
        leads_on: Vec<bool>,
        patterns: &[Pattern],
    ) -> Self {
        let verifies = patterns.iter().any(|p| p.verify.is_some());
        let accept = |here: &[u16]| if here.is_empty() { 0 } else { ACCEPTS };
        let lead = |on: bool| if on { LEADS_ON } else { 0 };
        let flags = accepts.iter().zip(leads_on).map(|(here, on)| accept(here) | lead(on)).collect();
        Self { boundary, classes, stride, next, accepts, flags, patterns: patterns.to_vec(), verifies }
    }

    /// May a match begin with this byte?
    pub(crate) fn begins_with(&self, byte: u8) -> bool {
        self.next[START as usize * self.stride + usize::from(self.classes[usize::from(byte)])] != DEAD
    }

    /// The byte that every match passes, if there is one that is worth looking for.
    pub(crate) fn neck(&self) -> Option<Neck> {
        Neck::find(|byte| self.before(byte))
    }

    /// The bytes on all ways from the start without this one; none when a match ends on one of them.
    fn before(&self, neck: u8) -> Option<Vec<u8>> {
        let mut reached = vec![false; self.flags.len()];
        let mut passed = [false; 256];
        let mut queue = vec![START];
        while let Some(state) = queue.pop() {
            if self.flags[state as usize] & ACCEPTS != 0 {
                return None;
            }
            for byte in (0..=255u8).filter(|&byte| byte != neck) {
                let to = self.step(state, &[byte]);
                if to != DEAD {
                    passed[usize::from(byte)] = true;
                    if !std::mem::replace(&mut reached[to as usize], true) {
                        queue.push(to);
                    }
                }
            }
        }
        Some((0..=255u8).filter(|&byte| passed[usize::from(byte)]).collect())
    }

    /// Do matches need the folded text itself?
    pub(crate) fn verifies(&self) -> bool {
        self.verifies
    }

    fn step(&self, mut state: u32, bytes: &[u8]) -> u32 {
        for &byte in bytes {
            state = self.next[state as usize * self.stride + self.classes[byte as usize] as usize];
            if state == DEAD {
                break;
            }
        }
        state
    }

    /// One more folded character `c` and its bytes, which the original has at `start..end`; `before` is the one before it,
    /// and `text` all folded ones before it that may matter.
    pub(crate) fn feed(
        &self,
        threads: &mut Threads,
        (c, bytes): (char, &[u8]),
        (start, end): (usize, usize),
        before: Option<char>,
        text: &Text,
        found: &mut Found,
    ) {
        let mut advance = |thread: &mut Thread| {
            if thread.waits && self.boundary.after(before, Some(c)) {
                self.accept(thread, text, found);
            }
            thread.state = self.step(thread.state, bytes);
            thread.end = end;
            self.settle(thread, text, Some(c), found)
        };
        match &mut threads.list[..] {
            [] => {}
            // The usual case by far: a word of letters that may become an address.
            [only] => {
                if !advance(only) {
                    threads.list.clear();
                }
            }
            _ => threads.list.retain_mut(advance),
        }
        if self.begins_with(bytes[0]) && self.boundary.before(before, c) {
            let state = self.step(START, bytes);
            let mut thread = Thread { state, start, end, from: text.end(), waits: false };
            if self.settle(&mut thread, text, Some(c), found) {
                threads.list.push(thread);
            }
        }
    }

    /// Takes what ends here; does the thread live on?
    fn settle(&self, thread: &mut Thread, text: &Text, last: Option<char>, found: &mut Found) -> bool {
        thread.waits = false;
        if thread.state == DEAD {
            return false;
        }
        let flags = self.flags[thread.state as usize];
        if flags & ACCEPTS != 0 {
            if self.boundary == Boundary::None {
                self.accept_with(thread, text, last, found);
            } else {
                thread.waits = true;
            }
        }
        thread.waits || flags & LEADS_ON != 0
    }

    fn accept(&self, thread: &Thread, text: &Text, found: &mut Found) {
        self.accept_with(thread, text, None, found);
    }

    fn accept_with(&self, thread: &Thread, text: &Text, last: Option<char>, found: &mut Found) {
        for &index in &self.accepts[thread.state as usize] {
            let pattern = &self.patterns[index as usize];
            let holds = pattern.verify.is_none_or(|verify| {
                let mut characters = text.since(thread.from).to_vec();
                characters.extend(last);
                verify(&characters)
            });
            if holds {
                found.add(pattern.mark, thread.start, thread.end);
            }
        }
    }

    /// The text ends here.
    pub(crate) fn end(&self, threads: &mut Threads, before: Option<char>, text: &Text, found: &mut Found) {
        for thread in threads.list.drain(..).filter(|t| t.waits) {
            if self.boundary.after(before, None) {
                self.accept(&thread, text, found);
            }
        }
    }
}

impl Threads {
    /// Where in the original the oldest thread began.
    pub(crate) fn pending(&self) -> Option<usize> {
        self.list.first().map(|thread| thread.start)
    }
}

/// The last folded characters of a lane, for those who must look at them again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    characters: Vec<char>,
    forgotten: usize,
}

impl Text {
    /// More than any pattern with a check may have.
    const KEPT: usize = 64;

    pub(crate) fn push(&mut self, c: char) {
        if self.characters.len() >= 2 * Self::KEPT {
            self.characters.drain(..Self::KEPT);
            self.forgotten += Self::KEPT;
        }
        self.characters.push(c);
    }

    fn end(&self) -> usize {
        self.forgotten + self.characters.len()
    }

    fn since(&self, from: usize) -> &[char] {
        self.characters.get(from.saturating_sub(self.forgotten)..).unwrap_or_default()
    }
}

fn determinise(patterns: &[Pattern]) -> Result<dense::DFA<Vec<u32>>, String> {
    let bytes = if patterns.len() == 1 { OWN_TABLE_BYTES } else { SHARED_TABLE_BYTES };
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(bytes))
        .determinize_size_limit(Some(4 * bytes));
    let texts: Vec<&str> = patterns.iter().map(|p| p.text.as_str()).collect();
    dense::Builder::new().configure(config).build_many(&texts).map_err(|cause| cause.to_string())
}

/// All states that can be reached: transitions by byte class, and patterns that end in each.
fn walk(dfa: &dense::DFA<Vec<u32>>, bytes: &[u8]) -> (Vec<u32>, Vec<Box<[u16]>>) {
    let mut next = vec![DEAD; 2 * bytes.len()];
    let mut accepts: Vec<Box<[u16]>> = vec![Box::default(), Box::default()];
    let Ok(first) = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)) else {
        return (next, accepts);
    };
    let mut numbers: HashMap<StateID, u32> = HashMap::from([(first, START)]);
    let mut queue = vec![first];
    let mut at = 0;
    while let Some(&state) = queue.get(at) {
        for (class, &byte) in bytes.iter().enumerate() {
            let to = dfa.next_state(state, byte);
            if dfa.is_dead_state(to) || dfa.is_quit_state(to) {
                continue;
            }
            let number = *numbers.entry(to).or_insert_with(|| {
                queue.push(to);
                next.resize(next.len() + bytes.len(), DEAD);
                accepts.push(Box::default());
                accepts.len() as u32 - 1
            });
            next[(at + 1) * bytes.len() + class] = number;
        }
        // The engine tells a match one byte late; what it would say at the end of the text is on time.
        let end = dfa.next_eoi_state(state);
        if dfa.is_match_state(end) {
            accepts[at + 1] = (0..dfa.match_len(end)).map(|i| dfa.match_pattern(end, i).as_usize() as u16).collect();
        }
        at += 1;
    }
    (next, accepts)
}

/// Cuts transitions to states from which no match can be reached; says which states lead on.
fn prune(next: &mut [u32], stride: usize, accepts: &[Box<[u16]>]) -> Vec<bool> {
    let states = accepts.len();
    let mut parents: Vec<Vec<u32>> = vec![Vec::new(); states];
    for state in START as usize..states {
        for &to in &next[state * stride..(state + 1) * stride] {
            if to != DEAD && parents[to as usize].last() != Some(&(state as u32)) {
                parents[to as usize].push(state as u32);
            }
        }
    }
    let mut useful: Vec<bool> = accepts.iter().map(|patterns| !patterns.is_empty()).collect();
    let mut queue: Vec<usize> = (0..states).filter(|&state| useful[state]).collect();
    while let Some(state) = queue.pop() {
        for &parent in &parents[state] {
            if !std::mem::replace(&mut useful[parent as usize], true) {
                queue.push(parent as usize);
            }
        }
    }
    for to in next.iter_mut() {
        if !useful[*to as usize] {
            *to = DEAD;
        }
    }
    next.chunks(stride).map(|row| row.iter().any(|&to| to != DEAD)).collect()
}
