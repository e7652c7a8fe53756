//! Rules as files: what a rule looks for, where, and what follows.
//!
//! It does not compile anything, and opens no file: word lists are handed over as text.

use crate::pii::PiiKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yizhan_domain::{Error, ErrorCode, Result, Role};

/// What a rule does with what it finds, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The call ends.
    Block,
    /// The answer is withheld and given to a person.
    Review,
    /// The text is replaced by `with`.
    Rewrite,
    /// Each character is replaced by █, or by the character `with`, or all of them by the text `with`.
    Mask,
    /// `message` is added at the end of the answer, once.
    Warn,
    /// It is only recorded.
    Log,
}

/// Which way a rule looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// What callers send.
    Input,
    /// What models answer.
    Output,
    /// Both.
    #[default]
    Both,
}

/// What a rule looks for: any of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// Words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// A text file of words, one a line; lines that begin with `#` are comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words_file: Option<String>,
    /// Also find words whose characters are set apart by at most four separators each: `敏-感 词`, `f u c k`.
    pub separators: bool,
    /// Also find Chinese words of which some or all characters are written in pinyin without tones.
    pub pinyin: bool,
    /// Find Latin words and regular expressions only where they are no part of a longer Latin word.
    /// Words do so unless this is false; regular expressions only when it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<bool>,
    /// Regular expressions over folded text (lower case, simplified, half width). Each must have a longest
    /// match: `{0,20}` in place of `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regex: Vec<String>,
    /// Personal data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pii: Vec<PiiKind>,
    /// The built-in patterns of attempts to override the instructions.
    pub injection: bool,
    /// Something said without what must come with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Require>,
}

/// Whoever says one of `when` must say one of `need` nearby.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Require {
    /// Regular expressions that make the demand.
    pub when: Vec<String>,
    /// Regular expressions that satisfy it.
    pub need: Vec<String>,
    /// How far apart their ends may be, in characters; none: anywhere in the same answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<usize>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in findings; unique.
    pub id: String,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What moderation calls it; `pii/…` for personal data unless given, else the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Which way it looks.
    #[serde(default, rename = "where")]
    pub way: Where,
    /// Whose messages it looks at on input. Default: user and tool; all four when the rule masks or rewrites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// What it looks for.
    #[serde(rename = "match")]
    pub matcher: Matcher,
    /// What follows.
    pub action: Action,
    /// What the caller is told (block, review), or the sentence that is added (warn).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What takes the text's place (rewrite, mask).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// File and line, for messages.
    #[serde(skip)]
    pub(crate) place: String,
}

/// A file of rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSet {
    /// Built-in packs that come before these rules: `pii`, `injection`, `finance`, `medical`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<String>,
    /// Ids of earlier rules that do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<String>,
    /// The rules. One whose id is known already takes the earlier one's place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// The texts of word lists by the name that rules have for them.
    #[serde(skip)]
    pub(crate) files: BTreeMap<String, String>,
}

impl RuleSet {
    /// Reads a file of rules in YAML (so JSON too). `name` is what messages call it.
    ///
    /// Fails with `InvalidConfig` and the line. Regular expressions and word lists are checked by
    /// [`crate::Guard::new`].
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut set: RuleSet = if text.trim().is_empty() {
            RuleSet::default()
        } else {
            serde_norway::from_str(text).map_err(|cause| {
                Error::new(ErrorCode::InvalidConfig, format!("{name} is no file of rules: {cause}."))
            })?
        };
        for rule in &mut set.rules {
            rule.place = match line_of(text, &rule.id) {
                Some(line) => format!("{name}, line {line}"),
                None => name.to_owned(),
            };
        }
        Ok(set)
    }

    /// The built-in pack of this name; see [`crate::PACKS`].
    pub fn pack(name: &str) -> Result<Self> {
        match crate::packs::text(name) {
            Some(text) => RuleSet::parse(&format!("pack {name}"), text),
            None => Err(Error::new(
                ErrorCode::InvalidConfig,
                format!("There is no pack of rules '{name}'. There are: {}.", crate::PACKS.join(", ")),
            )),
        }
    }

    /// The word lists that its rules name, each once.
    pub fn word_files(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.rules.iter().filter_map(|rule| rule.matcher.words_file.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Hands over the text of a word list.
    pub fn attach(&mut self, file: impl Into<String>, text: impl Into<String>) {
        self.files.insert(file.into(), text.into());
    }
}

/// The line on which a rule gets this id, from 1.
fn line_of(text: &str, id: &str) -> Option<usize> {
    let is_id = |line: &str| {
        let Some((_, value)) =
            line.split_once("id:").filter(|(before, _)| before.trim_matches([' ', '-', '{', '"']).is_empty())
        else {
            return false;
        };
        value.trim().trim_start_matches(['"', '\'']).strip_prefix(id).is_some_and(|rest| {
            rest.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | '#'))
        })
    };
    text.lines().position(is_id).map(|index| index + 1)
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
