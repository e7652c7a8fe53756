//! From rules to automata, once, when they are loaded; everything that is wrong with a rule is said here.
//!
//! It does not know streams or messages.

use crate::boundary::Boundary;
use crate::fold::{fold, fold_char, is_separator};
use crate::found::Mark;
use crate::machine::{Machine, Pattern};
use crate::packs::INJECTION;
use crate::pii::KINDS;
use crate::rule::{Action, Rule, RuleSet, Where};
use crate::scanner::Scanner;
use crate::spelling::{Spelling, spellings};
use crate::words::Words;
use std::collections::BTreeMap;
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode, Result, Role};

/// The longest match that a regular expression may have, in bytes of folded text. It bounds what a stream
/// holds back, and the work for one character: a match may have begun at each of so many places.
const LONGEST_MATCH: usize = 1_024;
/// Whole words of one machine; more make several.
const WORDS_OF_A_MACHINE: usize = 50_000;

/// What is known of a rule when it is at work.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) category: Option<String>,
    pub(crate) action: Action,
    pub(crate) message: String,
    pub(crate) with: Option<String>,
    roles: Vec<Role>,
    /// For rules that require something: how far away it may be.
    pub(crate) within: Option<usize>,
}

impl Known {
    /// Does the rule look at what this role says?
    pub(crate) fn looks_at(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Everything that looks one way.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// Patterns whose matches change or withhold the text.
    pub(crate) gate: Arc<Scanner>,
    /// Patterns whose matches leave it as it is.
    pub(crate) watch: Arc<Scanner>,
    /// Is there a rule that withholds an answer for a person?
    pub(crate) reviews: bool,
}

impl Side {
    pub(crate) fn is_empty(&self) -> bool {
        self.gate.is_empty() && self.watch.is_empty()
    }
}

/// All rules, ready.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rules: Vec<Known>,
    pub(crate) input: Side,
    pub(crate) output: Side,
    /// Can a rule hold requests until a person has looked at them?
    pub(crate) reviews_requests: bool,
}

/// Packs first, then the sets in their order; a later rule takes the place of an earlier one of its id.
pub(crate) fn compile(sets: &[RuleSet]) -> Result<Plan> {
    let rules = gather(sets)?;
    if rules.len() > usize::from(u16::MAX) {
        return Err(Error::new(ErrorCode::InvalidConfig, "There are more than 65,535 rules. Put words into lists."));
    }
    let separators = rules.iter().any(|(rule, _)| rule.matcher.separators);
    let mut known = Vec::new();
    let mut gates = [Patterns::default(), Patterns::default()];
    let mut watches = [Patterns::default(), Patterns::default()];
    for (index, (rule, set)) in rules.iter().enumerate() {
        check(rule, separators)?;
        let patterns = patterns(rule, set, index as u16)?;
        let into = if watches_only(rule.action) { &mut watches } else { &mut gates };
        if rule.way != Where::Output && rule.matcher.require.is_none() {
            into[0].extend(&patterns);
        }
        if rule.way != Where::Input {
            into[1].extend(&patterns);
        }
        known.push(Known {
            id: rule.id.clone(),
            category: rule.category.clone(),
            action: rule.action,
            message: message(rule),
            with: rule.with.clone(),
            roles: roles(rule),
            within: rule.matcher.require.as_ref().map(|require| require.within.unwrap_or(usize::MAX)),
        });
    }
    let reviews_but = |way| rules.iter().any(|(rule, _)| rule.action == Action::Review && rule.way != way);
    let (reviews, reviews_requests) = (reviews_but(Where::Input), reviews_but(Where::Output));
    let [gate_in, gate_out] = build_pair(gates)?;
    let [watch_in, watch_out] = build_pair(watches)?;
    Ok(Plan {
        rules: known,
        input: Side { gate: gate_in, watch: watch_in, reviews: false },
        output: Side { gate: gate_out, watch: watch_out, reviews },
        reviews_requests,
    })
}

fn watches_only(action: Action) -> bool {
    matches!(action, Action::Warn | Action::Log)
}

fn message(rule: &Rule) -> String {
    match rule.action {
        _ if !rule.message.is_empty() => rule.message.clone(),
        Action::Review => "A rule of this service wants a person to look at this first.".into(),
        _ => "A rule of this service does not allow this content.".into(),
    }
}

fn roles(rule: &Rule) -> Vec<Role> {
    rule.roles.clone().unwrap_or_else(|| match rule.action {
        Action::Mask | Action::Rewrite => vec![Role::System, Role::User, Role::Assistant, Role::Tool],
        _ => vec![Role::User, Role::Tool],
    })
}

/// The rules that count, each with the set that holds its word lists.
fn gather(sets: &[RuleSet]) -> Result<Vec<(Rule, RuleSet)>> {
    let mut rules: Vec<(Rule, RuleSet)> = Vec::new();
    for set in sets {
        for pack in &set.packs {
            let pack = RuleSet::pack(pack)?;
            for rule in pack.rules.clone() {
                put(&mut rules, rule, &pack);
            }
        }
        for id in &set.off {
            rules.retain(|(rule, _)| &rule.id != id);
        }
        let mut seen: Vec<&str> = Vec::new();
        for rule in &set.rules {
            if seen.contains(&rule.id.as_str()) {
                return Err(wrong(rule, "another rule of the file has the same id"));
            }
            seen.push(&rule.id);
            put(&mut rules, rule.clone(), set);
        }
    }
    Ok(rules)
}

fn put(rules: &mut Vec<(Rule, RuleSet)>, rule: Rule, set: &RuleSet) {
    let files = RuleSet {
        files: match &rule.matcher.words_file {
            Some(file) => set.files.get_key_value(file).into_iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            None => BTreeMap::new(),
        },
        ..RuleSet::default()
    };
    match rules.iter_mut().find(|(known, _)| known.id == rule.id) {
        Some(place) => *place = (rule, files),
        None => rules.push((rule, files)),
    }
}

fn wrong(rule: &Rule, what: impl std::fmt::Display) -> Error {
    let place = if rule.place.is_empty() { String::new() } else { format!("{}: ", rule.place) };
    Error::new(ErrorCode::InvalidConfig, format!("{place}rule '{}': {what}.", rule.id))
}

fn check(rule: &Rule, separators: bool) -> Result<()> {
    let matcher = &rule.matcher;
    let simple = !matcher.words.is_empty()
        || matcher.words_file.is_some()
        || !matcher.regex.is_empty()
        || !matcher.pii.is_empty()
        || matcher.injection;
    if rule.id.trim().is_empty() {
        return Err(wrong(rule, "a rule needs an id"));
    }
    if simple == matcher.require.is_some() {
        return Err(wrong(
            rule,
            "'match' must name what to look for: words, words_file, regex, pii or injection, or else require alone",
        ));
    }
    if let Some(require) = &matcher.require {
        if !watches_only(rule.action) {
            return Err(wrong(rule, "'require' is decided when the answer has been sent; its action is warn or log"));
        }
        if rule.way == Where::Input {
            return Err(wrong(rule, "'require' looks at answers; remove 'where: input'"));
        }
        if require.when.is_empty() || require.need.is_empty() {
            return Err(wrong(rule, "'require' needs both 'when' and 'need'"));
        }
    }
    if rule.action == Action::Warn && rule.message.trim().is_empty() {
        return Err(wrong(rule, "give the sentence to add as 'message'"));
    }
    match (&rule.with, rule.action) {
        (None, Action::Rewrite) => Err(wrong(rule, "give the text that takes the place as 'with'")),
        (Some(with), Action::Rewrite | Action::Mask) => check_with(rule, with, separators),
        (Some(_), _) => Err(wrong(rule, "'with' is for rewrite and mask")),
        (None, _) => Ok(()),
    }
}

/// What takes a text's place must set apart what stood around it, or it would make new words of that.
fn check_with(rule: &Rule, with: &str, separators: bool) -> Result<()> {
    let folded = fold(with);
    if folded.is_empty() {
        return Err(wrong(
            rule,
            "'with' must show something, for example […]: else what stands around it would be joined",
        ));
    }
    if separators && folded.chars().all(is_separator) {
        return Err(wrong(
            rule,
            "'with' has only separators, which some rule with 'separators: true' reads over; use █ or a word",
        ));
    }
    Ok(())
}

/// The patterns of one scanner, before they are automata.
#[derive(Debug, Default, PartialEq)]
struct Patterns {
    plain: Vec<(String, Mark)>,
    gapped: Vec<(String, Mark)>,
    spelled: Vec<(String, Mark)>,
    whole: Vec<(String, Mark)>,
    regexes: BTreeMap<Boundary, Vec<Expression>>,
}

/// A regular expression and where it was written.
#[derive(Clone, Debug, PartialEq)]
struct Expression {
    text: String,
    mark: Mark,
    place: Error,
}

impl Patterns {
    fn extend(&mut self, other: &Patterns) {
        self.plain.extend_from_slice(&other.plain);
        self.gapped.extend_from_slice(&other.gapped);
        self.spelled.extend_from_slice(&other.spelled);
        self.whole.extend_from_slice(&other.whole);
        for (boundary, regexes) in &other.regexes {
            self.regexes.entry(*boundary).or_default().extend_from_slice(regexes);
        }
    }

    fn add_word(&mut self, spelling: Spelling, mark: Mark) {
        match spelling {
            Spelling::Plain(text) => self.plain.push((text, mark)),
            Spelling::Gapped(text) => self.gapped.push((text, mark)),
            Spelling::Spelled(text) => self.spelled.push((text, mark)),
            Spelling::Whole(text) => self.whole.push((text, mark)),
        }
    }

    fn build(self) -> Result<Scanner> {
        let mut machines = Vec::new();
        let literal = |(text, mark)| Pattern { text, mark, verify: None };
        let whole: Vec<Pattern> = self.whole.into_iter().map(literal).collect();
        machines.extend(whole.chunks(WORDS_OF_A_MACHINE).filter_map(|words| Machine::literals(Boundary::Word, words)));
        for (boundary, expressions) in self.regexes {
            let verify = |mark: Mark| mark.kind.and_then(|kind| KINDS.get(usize::from(kind))?.verify);
            let patterns: Vec<Pattern> = expressions
                .iter()
                .map(|e| Pattern { text: e.text.clone(), mark: e.mark, verify: verify(e.mark) })
                .collect();
            let built = Machine::regexes(boundary, &patterns);
            machines.extend(built.map_err(|(index, cause)| match expressions.get(index) {
                Some(expression) => expression.place.clone().context(cause),
                None => Error::new(ErrorCode::InvalidConfig, cause),
            })?);
        }
        Ok(Scanner {
            plain: Words::new(&self.plain)?,
            gapped: Words::new(&self.gapped)?,
            spelled: Words::new(&self.spelled)?,
            machines: machines.into(),
        })
    }
}

/// Both ways share one scanner where they look for the same.
fn build_pair([input, output]: [Patterns; 2]) -> Result<[Arc<Scanner>; 2]> {
    let same = input == output;
    let input = Arc::new(input.build()?);
    let output = if same { input.clone() } else { Arc::new(output.build()?) };
    Ok([input, output])
}

fn patterns(rule: &Rule, set: &RuleSet, index: u16) -> Result<Patterns> {
    let matcher = &rule.matcher;
    let mark = Mark { rule: index, need: false, kind: None };
    let mut patterns = Patterns::default();
    let file = match &matcher.words_file {
        None => "",
        Some(name) => set.files.get(name).ok_or_else(|| wrong(rule, format!("there is no word list '{name}'")))?,
    };
    let listed = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for word in matcher.words.iter().map(String::as_str).chain(listed) {
        for spelling in spellings(word, matcher.separators, matcher.pinyin, matcher.whole.unwrap_or(true)) {
            patterns.add_word(spelling, mark);
        }
    }
    let boundary = if matcher.whole == Some(true) { Boundary::Word } else { Boundary::None };
    let mut add = |boundary, text: &str, mark| {
        let text = expression(rule, text)?;
        let place =
            wrong(rule, format!("the regular expression '{text}' makes too large a table; make its gaps narrower"));
        patterns.regexes.entry(boundary).or_default().push(Expression { text, mark, place });
        Ok::<(), Error>(())
    };
    for text in &matcher.regex {
        add(boundary, text, mark)?;
    }
    if matcher.injection {
        for text in INJECTION.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            add(Boundary::None, text, mark)?;
        }
    }
    for kind in &matcher.pii {
        let index = kind.index();
        add(KINDS[index].boundary, KINDS[index].pattern, Mark { kind: Some(index as u8), ..mark })?;
    }
    if let Some(require) = &matcher.require {
        for text in &require.when {
            add(boundary, text, mark)?;
        }
        for text in &require.need {
            add(Boundary::None, text, Mark { need: true, ..mark })?;
        }
    }
    Ok(patterns)
}

/// Folds a regular expression as the text is folded, and sees that it has a longest match.
fn expression(rule: &Rule, text: &str) -> Result<String> {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c);
            continue;
        }
        fold_char(c, |f| {
            if f.is_ascii_punctuation() {
                folded.push('\\');
            }
            folded.push(f);
        });
    }
    // Folded text has no upper case. Only a pattern that has some need look past it: the other case of a
    // letter makes longer matches (the Kelvin sign) and larger tables.
    let letters = folded.replace("\\\\", "");
    let upper = |(before, c): (char, char)| before != '\\' && c.is_uppercase();
    if std::iter::once(' ').chain(letters.chars()).zip(letters.chars()).any(upper) {
        folded = format!("(?i:{folded})");
    }
    let parsed = regex_syntax::Parser::new().parse(&folded);
    let parsed =
        parsed.map_err(|cause| wrong(rule, format!("the regular expression '{text}' cannot be read: {cause}")))?;
    let properties = parsed.properties();
    if !properties.look_set().is_empty() {
        return Err(wrong(
            rule,
            format!("the regular expression '{text}' uses ^, $ or \\b; write 'whole: true' to find whole words only"),
        ));
    }
    if properties.minimum_len().unwrap_or(0) == 0 {
        return Err(wrong(rule, format!("the regular expression '{text}' matches nothing at all, or the empty text")));
    }
    match properties.maximum_len() {
        Some(length) if length <= LONGEST_MATCH => Ok(folded),
        Some(length) => Err(wrong(
            rule,
            format!(
                "the regular expression '{text}' may match {length} bytes, more than {LONGEST_MATCH}; make its counts smaller"
            ),
        )),
        None => Err(wrong(
            rule,
            format!(
                "the regular expression '{text}' has no longest match, so that a stream could not be let go; \
                 write {{0,20}} in place of * and {{1,20}} in place of +"
            ),
        )),
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
