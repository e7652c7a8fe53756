//! One text on its way, in pieces: an answer, its reasoning, a tool call's arguments, a message.
//!
//! What comes is read, folded and scanned at once. What lies before the earliest match that may still
//! come is decided: matches in it are recorded and replaced, the rest is let go. Everything is a function of the
//! text alone, never of the pieces in which it came.
//!
//! It does not know events or messages, nor what becomes of a call that a rule ends.

use crate::compile::{Known, Side};
use crate::finding::{Finding, Place};
use crate::fold::{fold_char, is_dropped};
use crate::found::Candidate;
use crate::pii::KINDS;
use crate::reader::{Reader, Unit};
use crate::rule::Action;
use crate::scanner::{Scan, Scanner};
use crate::watch::Watch;

/// What every character of a masked text becomes, unless the rule says otherwise.
const MASK: char = '█';

/// A lane's surroundings.
pub(crate) struct Scope<'a> {
    pub(crate) rules: &'a [Known],
    pub(crate) side: &'a Side,
    /// Does a rule count for this text?
    pub(crate) counts: &'a dyn Fn(&Known) -> bool,
    /// Does a rule that would end the call only mask, so that all is found?
    pub(crate) look_on: bool,
}

/// One text.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) place: Place,
    /// What is not decided, from byte `base` of the text.
    held: String,
    base: usize,
    reader: Reader,
    gate: Option<Scan>,
    watch: Option<Watch>,
    /// By rule: where its last match ended.
    taken: Vec<(u16, usize)>,
    /// For JSON: does what was let go end inside a string, or in an escape?
    quoted: Option<Quoted>,
}

/// Where in JSON the text that was let go ends.
#[derive(Clone, Copy, Debug, Default)]
struct Quoted {
    in_string: bool,
    escaped: bool,
}

/// What a piece led to.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Text that may go.
    pub(crate) released: String,
    /// The rule that ends the call here: block or review.
    pub(crate) stop: Option<u16>,
    pub(crate) findings: Vec<Finding>,
}

impl Lane {
    pub(crate) fn new(place: Place, side: &Side) -> Self {
        Self::with_reader(place, side, Reader::plain())
    }

    /// A lane of JSON text.
    pub(crate) fn json(place: Place, side: &Side) -> Self {
        Self { quoted: Some(Quoted::default()), ..Self::with_reader(place, side, Reader::json()) }
    }

    fn with_reader(place: Place, side: &Side, reader: Reader) -> Self {
        Self {
            place,
            held: String::new(),
            base: 0,
            gate: (!side.gate.is_empty()).then(|| side.gate.scan()),
            watch: (!side.watch.is_empty()).then(|| Watch::new(&side.watch, reader.clone())),
            reader,
            taken: Vec::new(),
            quoted: None,
        }
    }

    /// More text.
    pub(crate) fn push(&mut self, piece: String, scope: &Scope) -> Step {
        let mut step = Step::default();
        let Some(gate) = &mut self.gate else {
            self.look(&piece, scope, &mut step);
            step.released = piece;
            return step;
        };
        feed(&mut self.reader, &scope.side.gate, gate, &piece);
        if self.held.is_empty() {
            self.held = piece;
        } else {
            self.held.push_str(&piece);
        }
        let now = self.reader.at();
        let frontier = scope.side.gate.frontier(gate, now).min(self.reader.pending().unwrap_or(now));
        self.decide(frontier, scope, &mut step);
        step
    }

    /// The text ends: everything is decided.
    pub(crate) fn finish(&mut self, scope: &Scope) -> Step {
        let mut step = Step::default();
        if let Some(gate) = &mut self.gate {
            scope.side.gate.end(gate);
            self.decide(usize::MAX, scope, &mut step);
        }
        if step.stop.is_none()
            && let Some(watch) = &mut self.watch
        {
            let found = watch.end(&scope.side.watch, scope.rules);
            self.report(found, scope, &mut step);
        }
        step
    }

    /// How many bytes are held back.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Decides what lies before `frontier`.
    fn decide(&mut self, frontier: usize, scope: &Scope, step: &mut Step) {
        let now = self.base + self.held.len();
        let Some(gate) = &mut self.gate else { return };
        if gate.found.is_empty() && frontier >= now && self.quoted.is_none() {
            step.released = std::mem::take(&mut self.held);
            self.base = now;
            if self.watch.is_some() {
                let text = std::mem::take(&mut step.released);
                self.look(&text, scope, step);
                step.released = text;
            }
            return;
        }
        let mut found = gate.found.take_before(frontier);
        let key =
            |c: &Candidate| (c.start, scope.rules[usize::from(c.mark.rule)].action, usize::MAX - c.end, c.mark.rule);
        found.sort_by_key(key);
        let mut at = self.base;
        for candidate in found {
            let rule = &scope.rules[usize::from(candidate.mark.rule)];
            if self.is_taken(&candidate) || !(scope.counts)(rule) {
                continue;
            }
            step.findings.push(self.finding(&candidate, rule));
            let start = candidate.start.max(at);
            if matches!(rule.action, Action::Block | Action::Review) && !scope.look_on {
                self.release(at, start, step);
                step.stop = Some(candidate.mark.rule);
                at = start;
                break;
            }
            if candidate.end > at {
                self.release(at, start, step);
                self.replace(start, candidate.end, rule, step);
                at = candidate.end;
            }
        }
        if step.stop.is_none() {
            let end = frontier.min(now);
            if end > at {
                self.release(at, end, step);
                at = end;
            }
        }
        let decided = at - self.base;
        self.base = at;
        if self.watch.is_some() {
            let text = self.held[..decided].to_owned();
            self.look(&text, scope, step);
        }
        self.held.drain(..decided);
    }

    /// Of each rule's matches, the leftmost longest ones that do not overlap count.
    fn is_taken(&mut self, candidate: &Candidate) -> bool {
        match self.taken.iter_mut().find(|(rule, _)| *rule == candidate.mark.rule) {
            Some((_, end)) if *end > candidate.start => true,
            Some((_, end)) => {
                *end = candidate.end;
                false
            }
            None => {
                self.taken.push((candidate.mark.rule, candidate.end));
                false
            }
        }
    }

    fn finding(&self, candidate: &Candidate, rule: &Known) -> Finding {
        let kind = candidate.mark.kind.and_then(|kind| KINDS.get(usize::from(kind)));
        let category = match (&rule.category, kind) {
            (Some(category), _) => category.clone(),
            (None, Some(kind)) => kind.category.to_owned(),
            (None, None) => rule.id.clone(),
        };
        Finding {
            place: self.place.clone(),
            start: candidate.start,
            end: candidate.end,
            rule: rule.id.clone(),
            category,
            action: rule.action,
        }
    }

    /// Lets go of `from..to` of the original.
    fn release(&mut self, from: usize, to: usize, step: &mut Step) {
        let text = &self.held[from - self.base..to - self.base];
        if let Some(quoted) = &mut self.quoted {
            text.bytes().for_each(|byte| quoted.read(byte));
        }
        step.released.push_str(text);
    }

    /// Puts something in the place of `from..to` of the original.
    fn replace(&self, from: usize, to: usize, rule: &Known, step: &mut Step) {
        let text = &self.held[from - self.base..to - self.base];
        let replacement = replacement(text, rule);
        match self.quoted {
            None => step.released.push_str(&replacement),
            Some(quoted) => {
                // A number outside a string becomes a string, so that the JSON stays readable.
                let json = serde_json::Value::String(replacement).to_string();
                let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
                step.released.push_str(if quoted.in_string { inner } else { &json });
            }
        }
    }

    /// Shows decided text to the rules that only look.
    fn look(&mut self, text: &str, scope: &Scope, step: &mut Step) {
        if let Some(watch) = &mut self.watch {
            let found = watch.push(text, &scope.side.watch, scope.rules);
            self.report(found, scope, step);
        }
    }

    fn report(&mut self, found: Vec<Candidate>, scope: &Scope, step: &mut Step) {
        for candidate in found {
            let rule = &scope.rules[usize::from(candidate.mark.rule)];
            if (scope.counts)(rule) && !self.is_taken(&candidate) {
                step.findings.push(self.finding(&candidate, rule));
            }
        }
    }
}

impl Quoted {
    fn read(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = self.in_string,
            b'"' => self.in_string = !self.in_string,
            _ => {}
        }
    }
}

/// Shows a scanner what the reader reads.
pub(crate) fn feed(reader: &mut Reader, scanner: &Scanner, scan: &mut Scan, text: &str) {
    reader.read(text, |unit, ahead| match unit {
        Unit::Char(c, start, end) => fold_char(c, |f| scanner.feed(scan, f, (start, end), ahead)),
        Unit::Break => scanner.end(scan),
    });
}

fn replacement(text: &str, rule: &Known) -> String {
    let visible = || text.chars().filter(|&c| !is_dropped(c)).count();
    match (&rule.with, rule.action) {
        (Some(with), Action::Rewrite) => with.clone(),
        (Some(with), _) => {
            let mut characters = with.chars();
            match (characters.next(), characters.next()) {
                (Some(only), None) => std::iter::repeat_n(only, visible()).collect(),
                _ => with.clone(),
            }
        }
        (None, _) => std::iter::repeat_n(MASK, visible()).collect(),
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
