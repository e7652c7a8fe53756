//! `--name value` pairs of the command line.

use crate::Failure;
use std::str::FromStr;

/// All pairs in order; a name may come several times.
pub(crate) struct Arguments(Vec<(String, String)>);

impl Arguments {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut pairs = Vec::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("'{word}' is no --name"))?.to_owned();
            let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    pub(crate) fn all(&self, name: &'static str) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of `--name`, or `default` where it is not there.
    pub(crate) fn get<T: FromStr>(&self, name: &'static str, default: T) -> Result<T, Failure> {
        match self.all(name).next_back() {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| format!("--{name} cannot be '{value}'").into()),
        }
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&str, Failure> {
        self.all(name).next_back().ok_or_else(|| format!("--{name} is missing").into())
    }
}
