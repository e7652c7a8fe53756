//! What two questions must have in common to have the same answer.
//!
//! An embedding says that two questions are about the same; it hardly notices a changed number, a "not" or another
//! name. So everything in a question counts here, except for what `lexicon.txt` knows to be harmless: polite
//! words, synonyms, other ways of asking. What it does not know must be equal, which makes a false hit much rarer than a
//! miss. Traditional and simplified characters are different: who asks in one wants no answer in the other.
//!
//! It does not know vectors, nor the world: "Paris" and "the capital of France" differ.

use crate::lexicon::{Lexicon, Sense};
use crate::number;
use crate::words::{Word, stem, words};

/// Questions longer than this, in bytes, are not compared: the more is said, the less a cosine means.
const LONGEST: usize = 2000;

/// What a question says, in a form in which harmless differences are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    chinese: bool,
    asks: Vec<&'static str>,
    numbers: Vec<String>,
    negations: usize,
    ordered: bool,
    content: Vec<String>,
}

/// In what two questions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The language they are in.
    Language,
    /// What is asked for: who, when, how many.
    Question,
    /// A number, date or version.
    Number,
    /// A negation.
    Negation,
    /// Any other word, or the order where that matters.
    Content,
}

impl Difference {
    /// The word for logs and audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Difference::Language => "language",
            Difference::Question => "question",
            Difference::Number => "number",
            Difference::Negation => "negation",
            Difference::Content => "content",
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
        let chinese = words.iter().any(|word| matches!(word, Word::Han(_)));
        let mut gathering = Gathering::default();
        let mut at = 0;
        while at < words.len() {
            at += gathering.take(&words[at..]);
        }
        let facts = gathering.facts(chinese);
        (!facts.content.is_empty() || !facts.numbers.is_empty()).then_some(facts)
    }

    /// The first difference; none when both may have the same answer.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        if self.chinese != other.chinese {
            Some(Difference::Language)
        } else if self.numbers != other.numbers {
            Some(Difference::Number)
        } else if self.negations != other.negations {
            Some(Difference::Negation)
        } else if self.asks != other.asks {
            Some(Difference::Question)
        } else if self != other {
            Some(Difference::Content)
        } else {
            None
        }
    }
}

/// One thing said, in order.
#[derive(Clone, Debug)]
enum Said {
    Number(String),
    Not,
    Content(String),
}

struct Gathering {
    lexicon: &'static Lexicon,
    said: Vec<Said>,
    asks: Vec<&'static str>,
    ordered: bool,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { lexicon: Lexicon::get(), said: Vec::new(), asks: Vec::new(), ordered: false }
    }
}

impl Gathering {
    /// Takes what comes next; how many words that is.
    fn take(&mut self, words: &[Word]) -> usize {
        match &words[0] {
            Word::Latin { .. } => return self.latin(words),
            Word::Number(digits) => return self.number(digits, words.get(1)),
            Word::Han(run) => self.han(run),
            Word::Quoted(text) => self.content(text.clone()),
            Word::Symbol('%') => self.content("=u_percent".to_owned()),
            Word::Symbol('$') => self.content("=u_usd".to_owned()),
            Word::Symbol('€') => self.content("=u_eur".to_owned()),
            Word::Symbol('¥') => self.content("=u_cny".to_owned()),
            Word::Symbol(symbol) => self.content(symbol.to_string()),
        }
        1
    }

    fn content(&mut self, word: String) {
        self.said.push(Said::Content(word));
    }

    fn sense(&mut self, sense: Sense, word: &str) {
        match sense {
            Sense::Drop => {}
            Sense::Same(name) => {
                self.ordered |= matches!(self.lexicon.sense(word), Some(Sense::Order)) || name == "before" || name == "after";
                self.content(format!("={name}"));
            }
            Sense::Ask(kind) => self.asks.push(kind),
            Sense::Not => self.said.push(Said::Not),
            Sense::Order => {
                self.ordered = true;
                self.content(word.to_owned());
            }
            Sense::Plain => self.content(word.to_owned()),
        }
    }

    /// The longest phrase that the lexicon knows, or a number in words, or the word itself.
    fn latin(&mut self, words: &[Word]) -> usize {
        let run: Vec<(&str, bool)> = words
            .iter()
            .map_while(|word| match word {
                Word::Latin { lower, name } => Some((lower.as_str(), *name)),
                _ => None,
            })
            .take(self.lexicon.longest_phrase)
            .collect();
        let lower: Vec<&str> = run.iter().map(|(word, _)| *word).collect();
        if let Some((value, used)) = number::english(&lower) {
            self.said.push(Said::Number(value));
            return used;
        }
        if let Some(ordinal) = number::ordinal(lower[0]) {
            self.said.push(Said::Number(format!("#{ordinal}")));
            return 1;
        }
        let stems: Vec<String> = lower.iter().map(|word| stem(word)).collect();
        for length in (1..=stems.len()).rev() {
            let phrase = stems[..length].join(" ");
            let named = length == 1 && run[0].1;
            match self.lexicon.sense(&phrase) {
                // WHO, May and IT are names, not words to be passed over.
                Some(Sense::Drop | Sense::Ask(_) | Sense::Not | Sense::Order) if named => {}
                Some(sense) => {
                    self.sense(sense, &phrase);
                    return length;
                }
                None => {}
            }
        }
        self.content(stems[0].clone());
        1
    }

    /// Digits, times the 万 or 亿 after them.
    fn number(&mut self, digits: &str, next: Option<&Word>) -> usize {
        let power = match next {
            Some(Word::Han(run)) => number::power(run[0]),
            _ => None,
        };
        match (power.and_then(|power| number::times(digits, power)), next) {
            (Some(value), Some(Word::Han(run))) => {
                self.said.push(Said::Number(value));
                self.han(&run[1..]);
                2
            }
            _ => {
                self.said.push(Said::Number(digits.to_owned()));
                1
            }
        }
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
                match number::chinese(&run[..numerals]) {
                    Some(value) => self.said.push(Said::Number(value)),
                    None => self.content(run[..numerals].iter().collect()),
                }
                numerals
            }
            _ => {
                self.content(run[0].to_string());
                1
            }
        }
    }

    fn facts(self, chinese: bool) -> Facts {
        let Self { said, mut asks, mut ordered, .. } = self;
        asks.sort_unstable();
        asks.dedup();
        if asks.len() > 1 {
            asks.retain(|ask| *ask != "what");
        }
        let numbers: Vec<String> =
            said.iter().filter_map(|said| if let Said::Number(number) = said { Some(number.clone()) } else { None }).collect();
        let negations = said.iter().filter(|said| matches!(said, Said::Not)).count();
        // Which number belongs to what, and what is denied, is told by the order alone.
        ordered |= numbers.len() > 1 || (negations > 0 && said.len() > 4);
        let passed_over = |word: &str| {
            let amount = asks.iter().any(|ask| ["howmuch", "howmany", "howlong", "how", "todo"].contains(ask));
            (word == "=can" && !asks.is_empty()) || (word == "=need" && amount) || (word == "=cost" && asks.contains(&"howmuch"))
        };
        let mut content: Vec<String> = said
            .into_iter()
            .filter_map(|said| match said {
                Said::Content(word) => (!passed_over(&word)).then_some(word),
                Said::Number(number) if ordered => Some(format!("#{number}")),
                Said::Not if ordered => Some("!".to_owned()),
                Said::Number(_) | Said::Not => None,
            })
            .collect();
        if !ordered {
            content.sort_unstable();
        }
        let mut numbers = numbers;
        numbers.sort_unstable();
        Facts { chinese, asks, numbers, negations, ordered, content }
    }
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
