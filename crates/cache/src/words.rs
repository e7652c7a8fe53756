//! A text in words: Latin words, numbers, runs of Chinese characters, symbols that matter.
//!
//! It does not know what words mean.

use unicode_normalization::UnicodeNormalization;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// In lower case; a name is written with capitals where words are not.
    Latin { lower: String, name: bool },
    /// Digits without thousands' separators, with their point and sign.
    Number(String),
    /// Characters that are written without spaces between words.
    Han(Vec<char>),
    /// What stands in quotation marks, taken literally.
    Quoted(String),
    /// A symbol that changes the meaning.
    Symbol(char),
    /// A comma or the end of a sentence: what is before may stand behind.
    Pause,
}

/// The words of a text, after NFKC.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let letters: Vec<char> = text.nfkc().map(straight).collect();
    let shouting = !letters.iter().any(|letter| letter.is_lowercase());
    let mut reader = Reader { letters: &letters, at: 0, words: Vec::new(), begins: true, shouting };
    while reader.at < letters.len() {
        reader.step();
    }
    reader.words
}

fn straight(letter: char) -> char {
    match letter {
        '\u{2018}' | '\u{2019}' | '\u{02bc}' => '\'',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        other => other,
    }
}

/// Chinese, Japanese and Korean letters, and others that are written without spaces.
pub(crate) fn is_han(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{2fff}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{31ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

struct Reader<'a> {
    letters: &'a [char],
    at: usize,
    words: Vec<Word>,
    /// Does a sentence begin here? Then a capital says nothing.
    begins: bool,
    /// All in capitals: then they say nothing.
    shouting: bool,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn step(&mut self) {
        let Some(letter) = self.peek(0) else { return };
        let signed = letter == '-' && self.peek(1).is_some_and(|next| next.is_ascii_digit()) && self.after_space();
        if letter.is_ascii_digit() || signed {
            self.number();
        } else if is_han(letter) {
            self.han();
        } else if letter.is_alphanumeric() || letter == '_' {
            self.latin();
        } else if let Some(close) = closing(letter) {
            self.quoted(close);
        } else {
            self.mark(letter);
        }
    }

    fn after_space(&self) -> bool {
        self.at == 0 || !self.letters[self.at - 1].is_alphanumeric()
    }

    fn push(&mut self, word: Word) {
        self.words.push(word);
        self.begins = false;
    }

    fn take_while(&mut self, holds: impl Fn(char, Option<char>) -> bool) -> String {
        let begin = self.at;
        while let Some(letter) = self.peek(0)
            && holds(letter, self.peek(1))
        {
            self.at += 1;
        }
        self.letters[begin..self.at].iter().collect()
    }

    /// Digits with what stands between digits: points, colons, slashes of dates, hyphens of part numbers.
    fn number(&mut self) {
        let sign = self.peek(0) == Some('-');
        self.at += usize::from(sign);
        let digits = self.take_while(|letter, next| {
            let joins = ".,:/-".contains(letter) && next.is_some_and(|next| next.is_ascii_digit());
            letter.is_ascii_digit() || joins
        });
        let number = without_separators(&digits);
        self.push(Word::Number(if sign { format!("-{number}") } else { number }));
    }

    fn han(&mut self) {
        let begin = self.at;
        while self.peek(0).is_some_and(is_han) {
            self.at += 1;
        }
        self.push(Word::Han(self.letters[begin..self.at].to_vec()));
    }

    fn latin(&mut self) {
        let word = self.take_while(|letter, next| {
            let joins =
                "-_.'+#@&/".contains(letter) && next.is_some_and(|next| next.is_alphanumeric() && !is_han(next));
            (letter.is_alphanumeric() && !is_han(letter)) || joins || "_+#".contains(letter)
        });
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        let capitals = word.chars().filter(|letter| letter.is_uppercase()).count();
        let has_digit = word.chars().any(|letter| letter.is_ascii_digit());
        let inside = capitals > usize::from(capital);
        let pronoun = word == "I" || word.starts_with("I'");
        let name = has_digit || (!self.shouting && !pronoun && (inside || (capital && !self.begins)));
        let lower = word.to_lowercase();
        // don't = do not; what's = what.
        let (lower, not) = match lower.as_str() {
            "can't" | "cannot" => ("can".to_owned(), true),
            "won't" => ("will".to_owned(), true),
            "shan't" => ("shall".to_owned(), true),
            other => match other.strip_suffix("n't") {
                Some(verb) => (verb.to_owned(), true),
                None => (without_suffix(other).to_owned(), false),
            },
        };
        self.push(Word::Latin { lower, name });
        if not {
            self.push(Word::Latin { lower: "not".to_owned(), name: false });
        }
    }

    fn quoted(&mut self, close: char) {
        let rest = &self.letters[self.at + 1..];
        match rest.iter().position(|letter| *letter == close) {
            Some(length) if length > 0 => {
                let inside: String = rest[..length].iter().flat_map(|letter| letter.to_lowercase()).collect();
                self.at += length + 2;
                self.push(Word::Quoted(inside.trim().to_owned()));
            }
            _ => self.at += 1,
        }
    }

    fn mark(&mut self, letter: char) {
        self.at += 1;
        match letter {
            '.' | '?' | '!' | ';' | '\n' | '。' => {
                self.words.push(Word::Pause);
                self.begins = true;
            }
            ',' => self.words.push(Word::Pause),
            // Punctuation and spaces mean nothing here.
            ':' | '\'' | '"' | '(' | ')' | '[' | ']' | '-' | '、' | '·' | '…' | '~' | '「' | '」' | '“' | '”'
            | '《' | '》' | '『' | '』' | '【' | '】' | '〈' | '〉' => {}
            letter if letter.is_whitespace() || letter.is_control() => {}
            letter => self.push(Word::Symbol(letter)),
        }
    }
}

fn closing(letter: char) -> Option<char> {
    Some(match letter {
        '"' => '"',
        '“' => '”',
        '「' => '」',
        '『' => '』',
        '《' => '》',
        '`' => '`',
        _ => return None,
    })
}

/// `1,000` is 1000; `1,2` stays.
fn without_separators(digits: &str) -> String {
    let mut groups = digits.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let last_is_whole = |group: &str| group.split('.').next().is_some_and(|whole| whole.len() == 3);
    match (1..=3).contains(&first.len()) && !rest.is_empty() && rest.iter().all(|group| last_is_whole(group)) {
        true => format!("{first}{}", rest.concat()),
        false => digits.to_owned(),
    }
}

fn without_suffix(word: &str) -> &str {
    const SUFFIXES: &[&str] = &["'s", "'re", "'ve", "'m", "'d"];
    SUFFIXES.iter().find_map(|suffix| word.strip_suffix(suffix)).filter(|word| !word.is_empty()).unwrap_or(word)
}

/// An English word without plural and the endings of its verb, roughly: too little rather than too much.
pub(crate) fn stem(word: &str) -> String {
    if word.len() <= 3 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let ends = |suffix: &str| word.strip_suffix(suffix).filter(|rest| rest.len() >= 3);
    let base = if let Some(rest) = ends("ies") {
        return format!("{rest}y");
    } else if let Some(rest) = ends("ing").filter(|rest| rest.bytes().any(is_vowel)) {
        undouble(rest)
    } else if let Some(rest) = ends("ed").filter(|rest| rest.bytes().any(is_vowel)) {
        undouble(rest)
    } else if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        word
    } else if let Some(rest) = word.strip_suffix('s') {
        rest
    } else {
        word
    };
    base.strip_suffix('e').filter(|rest| rest.len() >= 3).unwrap_or(base).to_owned()
}

fn is_vowel(byte: u8) -> bool {
    b"aeiouy".contains(&byte)
}

/// `stopp` (from stopped) is `stop`.
fn undouble(word: &str) -> &str {
    let bytes = word.as_bytes();
    match bytes {
        [.., a, b] if a == b && !b"lsz".contains(b) => &word[..word.len() - 1],
        _ => word,
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
