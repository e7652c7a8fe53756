//! The list of everything that can be pulled: the built-in one, and a user's additions.
//!
//! It does not know what is on this machine's disk.

use crate::source::is_file_name;
use crate::{Artefact, FileSpec};
use serde::Deserialize;
use std::collections::BTreeSet;
use yizhan_domain::{Error, ErrorCode, Result};

const BUILTIN: &str = include_str!("../../../catalog/models.toml");

/// Everything that can be pulled.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    artefacts: Vec<Artefact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    artefact: Vec<Artefact>,
}

impl Catalog {
    /// The list that ships with the program.
    pub fn builtin() -> Result<Self> {
        Self::parse(BUILTIN).map_err(|error| error.context("the built-in catalogue"))
    }

    /// Reads a list in the form of `catalog/models.toml`. Errors say line and column.
    pub fn parse(text: &str) -> Result<Self> {
        let text: Text = toml::from_str(text).map_err(|error| invalid(error.to_string().trim_end()))?;
        let mut names = BTreeSet::new();
        for artefact in &text.artefact {
            check(artefact).map_err(|reason| invalid(format!("artefact '{}': {reason}", artefact.name)))?;
            if !names.insert(&artefact.name) {
                return Err(invalid(format!("artefact '{}' is listed twice", artefact.name)));
            }
        }
        Ok(Self { artefacts: text.artefact })
    }

    /// This list and another text's entries. An entry of a known name replaces that one.
    pub fn with_extra(mut self, text: &str) -> Result<Self> {
        for extra in Self::parse(text)?.artefacts {
            match self.artefacts.iter_mut().find(|known| known.name == extra.name) {
                Some(known) => *known = extra,
                None => self.artefacts.push(extra),
            }
        }
        Ok(self)
    }

    /// Every entry, in the order of the list.
    pub fn list(&self) -> &[Artefact] {
        &self.artefacts
    }

    /// The entry of that name.
    pub fn get(&self, name: &str) -> Option<&Artefact> {
        self.artefacts.iter().find(|artefact| artefact.name == name)
    }

    /// The entry of that name, or an error that lists the names there are.
    pub fn require(&self, name: &str) -> Result<&Artefact> {
        self.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.artefacts.iter().map(|artefact| artefact.name.as_str()).collect();
            let message = format!("The catalogue has no '{name}'. It has: {}.", names.join(", "));
            Error::new(ErrorCode::ModelNotFound, message)
        })
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidConfig, message)
}

fn check(artefact: &Artefact) -> std::result::Result<(), String> {
    if !is_file_name(&artefact.name) {
        return Err("the name may have letters, digits, '-', '_' and '.' only".to_owned());
    }
    if artefact.files.is_empty() || artefact.sources.is_empty() {
        return Err("needs at least one file and one source".to_owned());
    }
    let mut seen = BTreeSet::new();
    for file in &artefact.files {
        check_file(file, artefact.verified)?;
        if !seen.insert((&file.name, &file.platform)) {
            return Err(format!("file '{}' is listed twice", file.name));
        }
        if let Some(source) = artefact.sources.iter().find(|source| !source.files.contains_key(&file.name)) {
            return Err(format!("source '{source}' has no file '{}'", file.name));
        }
    }
    for name in artefact.sources.iter().flat_map(|source| source.files.keys()) {
        if !artefact.files.iter().any(|file| &file.name == name) {
            return Err(format!("a source has a file '{name}' that the artefact doesn't list"));
        }
    }
    if let Some(conversion) = &artefact.convert {
        if !is_file_name(&conversion.file) {
            return Err(format!("'{}' is not a plain file name", conversion.file));
        }
        if conversion.sha256.as_deref().is_some_and(|hash| !is_sha256(hash)) {
            return Err("convert.sha256 is not 64 lower-case hexadecimal digits".to_owned());
        }
    }
    Ok(())
}

fn check_file(file: &FileSpec, verified: bool) -> std::result::Result<(), String> {
    let name = &file.name;
    if !is_file_name(name) || name == crate::manifest::FILE_NAME {
        return Err(format!("'{name}' is not a plain file name"));
    }
    match (&file.sha256, file.size) {
        (Some(hash), _) if !is_sha256(hash) => {
            Err(format!("file '{name}': sha256 is not 64 lower-case hexadecimal digits"))
        }
        (_, Some(0)) => Err(format!("file '{name}': size is 0")),
        (Some(_), Some(_)) => Ok(()),
        _ if verified => Err(format!("file '{name}' needs size and sha256, unless the entry says verified = false")),
        _ => Ok(()),
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
