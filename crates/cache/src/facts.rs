//! What two questions must have in common to have the same answer.
//!
//! An embedding says that two questions are about the same; it hardly notices a changed number, a "not" or another
//! name. So everything in a question counts here, except for what `lexicon.txt` knows to be harmless: polite
//! words, synonyms, other ways of asking. What it does not know must be equal, which makes a false hit much rarer
//! than a miss. So must the order of words be ("Anna owes Bob"), but for one turn: what stands before the asking word
//! or a comma may stand behind all else (怎么修改密码, 密码怎么修改). Traditional and simplified characters are
//! different: who asks in one wants no answer in the other.
//!
//! It does not know vectors, nor the world: "Paris" and "the capital of France" differ.

use crate::lexicon::{Lexicon, Sense};
use crate::number;
use crate::words::{Word, stem, words};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Questions longer than this, in bytes, are not compared: the more is said, the less a cosine means.
const LONGEST: usize = 1000;
/// A question has few places where it can be turned; more are somebody who wants this to take long.
const MOST_TURNS: usize = 8;

/// What a question says, in a form in which harmless differences are gone.
#[derive(Clone, Debug)]
pub struct Facts {
    chinese: bool,
    /// What is asked for, sorted.
    asks: Vec<&'static str>,
    /// Everything that counts, in order.
    said: Vec<Said>,
    /// Equal for the same things in any order.
    bag: u64,
}

#[derive(Clone, Debug)]
struct Said {
    what: What,
    /// May the question be turned here?
    turns: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum What {
    Number(String),
    Not,
    /// A word that the lexicon does not know, or what stands in quotation marks.
    Word(String),
    /// All words of this name.
    Same(&'static str),
    /// Who or what: "who owes Anna" is not "whom does Anna owe".
    Asked(&'static str),
}

impl What {
    /// Does it say what the question is about? "Can it?" and "what is this?" tell nothing by themselves.
    fn is_telling(&self) -> bool {
        match self {
            What::Number(_) | What::Word(_) => true,
            What::Not | What::Asked(_) => false,
            What::Same(name) => !["can", "need", "should", "you", "and", "past", "mean", "want"].contains(name),
        }
    }
}

/// In what two questions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The language they are in.
    Language,
    /// A number, date or version.
    Number,
    /// A negation.
    Negation,
    /// What is asked for: who, when, how many.
    Question,
    /// Any other word.
    Content,
    /// The order of the same words.
    Order,
}

impl Difference {
    /// The word for logs and audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Difference::Language => "language",
            Difference::Number => "number",
            Difference::Negation => "negation",
            Difference::Question => "question",
            Difference::Content => "content",
            Difference::Order => "order",
        }
    }
}

impl Facts {
    /// Of a question; none when there is nothing to compare, or too much.
    pub fn of(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let words = words(text);
        let mut gathering = Gathering::new();
        let mut at = 0;
        while at < words.len() {
            at += gathering.take(&words[at..]);
        }
        let facts = gathering.facts(words.iter().any(|word| matches!(word, Word::Han(_))));
        facts.said.iter().any(|said| said.what.is_telling()).then_some(facts)
    }

    /// May both have the same answer?
    pub fn agree(&self, other: &Self) -> bool {
        self.bag == other.bag && self.chinese == other.chinese && self.asks == other.asks && self.same_order(other)
    }

    /// The first difference; none when both may have the same answer.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        if self.agree(other) {
            return None;
        }
        let negations = |facts: &Self| facts.said.iter().filter(|said| said.what == What::Not).count();
        Some(if self.chinese != other.chinese {
            Difference::Language
        } else if self.sorted(|what| matches!(what, What::Number(_)))
            != other.sorted(|what| matches!(what, What::Number(_)))
        {
            Difference::Number
        } else if negations(self) != negations(other) {
            Difference::Negation
        } else if self.asks != other.asks {
            Difference::Question
        } else if self.sorted(|_| true) != other.sorted(|_| true) {
            Difference::Content
        } else {
            Difference::Order
        })
    }

    fn sorted(&self, which: impl Fn(&What) -> bool) -> Vec<&What> {
        let mut sorted: Vec<&What> = self.said.iter().map(|said| &said.what).filter(|what| which(what)).collect();
        sorted.sort_unstable();
        sorted
    }

    /// The same in the same order, or turned once where one of both may be.
    fn same_order(&self, other: &Self) -> bool {
        let (a, b) = (&self.said, &other.said);
        let equal = |a: &[Said], b: &[Said]| a.iter().map(|said| &said.what).eq(b.iter().map(|said| &said.what));
        let turned = |cut: usize| equal(&a[cut..], &b[..a.len() - cut]) && equal(&a[..cut], &b[a.len() - cut..]);
        let may_turn = |cut: usize| a[cut].turns || b[a.len() - cut].turns;
        a.len() == b.len() && (turned(0) || (1..a.len()).filter(|cut| may_turn(*cut)).take(MOST_TURNS).any(turned))
    }
}

struct Gathering {
    lexicon: &'static Lexicon,
    said: Vec<Said>,
    asks: Vec<&'static str>,
    /// The next thing said may become the first.
    turns: bool,
}

impl Gathering {
    fn new() -> Self {
        Self { lexicon: Lexicon::get(), said: Vec::new(), asks: Vec::new(), turns: false }
    }

    /// Takes what comes next; how many words that is.
    fn take(&mut self, words: &[Word]) -> usize {
        match &words[0] {
            Word::Latin { .. } => return self.latin(words),
            Word::Number(digits) => return self.number(digits, words.get(1)),
            Word::Han(run) => self.han(run),
            Word::Quoted(text) => self.say(What::Word(format!("\"{text}"))),
            Word::Pause => self.turns = true,
            Word::Symbol('%') => self.say(What::Same("u_percent")),
            Word::Symbol('$') => self.say(What::Same("u_usd")),
            Word::Symbol('€') => self.say(What::Same("u_eur")),
            Word::Symbol('¥') => self.say(What::Same("u_cny")),
            Word::Symbol(symbol) => self.say(What::Word(symbol.to_string())),
        }
        1
    }

    fn say(&mut self, what: What) {
        self.said.push(Said { what, turns: self.turns });
        self.turns = false;
    }

    fn sense(&mut self, sense: Sense, word: &str) {
        match sense {
            Sense::Drop => {}
            Sense::Same(name) => self.say(What::Same(name)),
            Sense::Not => self.say(What::Not),
            Sense::Plain => self.say(What::Word(word.to_owned())),
            Sense::Ask(kind) => {
                self.asks.push(kind);
                match kind {
                    "who" | "what" => self.say(What::Asked(kind)),
                    _ => self.turns = true,
                }
            }
        }
    }

    /// The longest phrase that the lexicon knows, or a number in words, or the word itself.
    fn latin(&mut self, words: &[Word]) -> usize {
        let of_latin = |word: &Word| match word {
            Word::Latin { lower, name } => Some((lower.clone(), *name)),
            _ => None,
        };
        let run: Vec<(String, bool)> = words.iter().map_while(of_latin).take(self.lexicon.longest_phrase).collect();
        let lower: Vec<&str> = run.iter().map(|(word, _)| word.as_str()).collect();
        if let Some((value, used)) = number::english(&lower) {
            self.say(What::Number(value));
            return used;
        }
        if let Some(ordinal) = number::ordinal(lower[0]) {
            self.say(What::Number(format!("#{ordinal}")));
            return 1;
        }
        let stems: Vec<String> = lower.iter().map(|word| stem(word)).collect();
        for length in (1..=stems.len()).rev() {
            let phrase = stems[..length].join(" ");
            let Some(sense) = self.lexicon.sense(&phrase) else { continue };
            // WHO, May and IT are names, not words to be passed over.
            let is_name = length == 1 && run[0].1;
            if is_name && !matches!(sense, Sense::Same(name) if name != "can") {
                continue;
            }
            self.sense(sense, &phrase);
            return length;
        }
        self.say(What::Word(stems[0].clone()));
        1
    }

    /// Digits, times the 万 or 亿 after them.
    fn number(&mut self, digits: &str, next: Option<&Word>) -> usize {
        if let Some(Word::Han(run)) = next
            && let Some(value) = number::power(run[0]).and_then(|power| number::times(digits, power))
        {
            self.say(What::Number(value));
            self.han(&run[1..]);
            return 2;
        }
        self.say(What::Number(digits.to_owned()));
        1
    }

    /// A run without spaces, cut by the longest words that the lexicon knows. The rest counts character by
    /// character.
    fn han(&mut self, run: &[char]) {
        let mut at = 0;
        while at < run.len() {
            at += self.han_word(&run[at..]);
        }
    }

    fn han_word(&mut self, run: &[char]) -> usize {
        // 能不能, 有没有: a question, not a negation.
        if let [a, '不' | '没', b, ..] = run
            && a == b
        {
            return 2;
        }
        // 我 at the beginning is whoever asks; later it may be whom something is done to.
        if run[0] == '我' && self.said.is_empty() {
            return if run.get(1) == Some(&'们') { 2 } else { 1 };
        }
        let known = (1..=self.lexicon.longest_word.min(run.len())).rev().find_map(|length| {
            let word: String = run[..length].iter().collect();
            self.lexicon.sense(&word).map(|sense| (length, word, sense))
        });
        let numerals = run.iter().take_while(|letter| number::is_numeral(**letter)).count();
        match known {
            Some((length, word, sense)) if length > numerals => {
                self.sense(sense, &word);
                length
            }
            _ if numerals > 0 => {
                let text = || run[..numerals].iter().collect();
                self.say(number::chinese(&run[..numerals]).map_or_else(|| What::Word(text()), What::Number));
                numerals
            }
            _ => {
                self.say(What::Word(run[0].to_string()));
                1
            }
        }
    }

    fn facts(self, chinese: bool) -> Facts {
        let Self { mut said, mut asks, .. } = self;
        asks.sort_unstable();
        asks.dedup();
        if asks.len() > 1 {
            asks.retain(|ask| *ask != "what");
            said.retain(|said| said.what != What::Asked("what"));
        }
        said.retain(|said| !is_implied(&said.what, &asks));
        let bag = said.iter().fold(0u64, |bag, said| {
            let mut hasher = DefaultHasher::new();
            said.what.hash(&mut hasher);
            bag.wrapping_add(hasher.finish())
        });
        Facts { chinese, asks, said, bag }
    }
}

/// Does the question already say it? "How can I" and "how do I" are the same; "what can I take" and "what do I
/// take" are not.
fn is_implied(what: &What, asks: &[&str]) -> bool {
    let asks_for = |kinds: &[&str]| asks.iter().any(|ask| kinds.contains(ask));
    match what {
        What::Same("can") => asks_for(&["how", "where", "todo"]),
        What::Same("need" | "should") => asks_for(&["how", "todo"]),
        What::Same("cost") => asks_for(&["howmuch"]),
        _ => false,
    }
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
